"""What attribution says: why somebody is credited or not, of each touch, and what comes next."""

from collections.abc import Mapping
from typing import Final

from sentences.reading import Sentence


def _occasions() -> dict[str, Sentence]:
    """What made attribution decide, alone (of a referral) and before its reason."""
    found: dict[str, Sentence] = {}
    for code, (wire, en, de) in _OCCASIONS.items():
        found[f"occasion_{code}"] = Sentence(wire, en, de)
        found[f"because_{code}"] = Sentence(
            f"{wire}: {{why:said}}.", f"{en}: {{why}}.", f"{de}: {{why}}."
        )
    return found


_OCCASIONS: Final = {
    "first_report": ("First report", "first report", "Erste Meldung"),
    "report": ("Another report", "another report", "Weitere Meldung"),
    "conversion": ("A conversion", "a conversion", "Ein Abschluss"),
    "refund": ("A refund", "a refund", "Eine Erstattung"),
    "consent": ("A refusal of consent", "a refusal of consent", "Verweigerte Einwilligung"),
    "identity": ("A change of identity", "a change of identity", "Geänderte Identität"),
    "touch": ("A late touch", "a late touch", "Ein später Kontaktpunkt"),
    "record": ("A CRM record", "a CRM record", "Ein CRM-Eintrag"),
    "policy": (
        "A change of policy, program, participant or link",
        "a change of policy, program, participant or link",
        "Eine Änderung an Regelwerk, Programm, Teilnehmer oder Link",
    ),
    "silence": ("Nobody confirmed it", "nobody confirmed it", "Niemand hat es bestätigt"),
}
_TOUCHES: Final = {
    "touches_only_counts": Sentence(
        "1 of 1 touches counts", "the only touch counts", "Der einzige Kontaktpunkt zählt"
    ),
    "touches_one_counts": Sentence(
        "1 of {total:count} touches counts",
        "1 of {total} touches counts",
        "1 von {total} Kontaktpunkten zählt",
    ),
    "touches_count": Sentence(
        "{counted:count} of {total:count} touches count",
        "{counted} of {total} touches count",
        "{counted} von {total} Kontaktpunkten zählen",
    ),
    "touches_only_refused": Sentence(
        "none of 1 touches counts; of the last, {why:said}",
        "the only touch does not count: {why}",
        "Der einzige Kontaktpunkt zählt nicht: {why}",
    ),
    "touches_refused": Sentence(
        "none of {total:count} touches counts; of the last, {why:said}",
        "none of {total} touches counts; of the last, {why}",
        "Keiner von {total} Kontaktpunkten zählt. Zum letzten: {why}",
    ),
    "touches_none": Sentence(
        "no touch of a participant was found",
        "no touch of a participant was found",
        "Es fand sich kein Kontaktpunkt eines Teilnehmers",
    ),
    "refunds_ignored": Sentence(
        "{why:said}; {ignored:count} refund(s) in another currency do not count",
        "{why}; refunds in another currency do not count ({ignored})",
        "{why}; Erstattungen in anderer Währung zählen nicht ({ignored})",
    ),
    "unconfirmed": Sentence(
        "only a publishable key has told of it, which anybody may use",
        "it was only reported with a publishable key, which anybody may use",
        "Es wurde nur mit einem öffentlichen Schlüssel gemeldet, den jeder benutzen kann",
    ),
    "lapsed": Sentence(
        "nobody trusted confirmed it until {moment:moment}",
        "nobody trusted confirmed it until {moment}",
        "Niemand Vertrauenswürdiges hat es bis {moment} bestätigt",
    ),
}
_NEXT: Final = {
    "next_touch_may_change": Sentence(
        "Touches heard until {moment:moment} may still change it; refunds and changes of identity "
        "always.",
        "Touches heard until {moment} may still change it; refunds and changes of identity "
        "always may.",
        "Kontaktpunkte, die bis {moment} bekannt werden, können es noch ändern; Erstattungen und "
        "geänderte Identitäten immer.",
    ),
    "next_all_taken_back": Sentence(
        "Nothing follows: all of it was taken back.",
        "Nothing follows: all of it was taken back.",
        "Es folgt nichts: Alles wurde zurückgenommen.",
    ),
    "next_touch_may_be_credited": Sentence(
        "A touch heard until {moment:moment} may still be credited.",
        "A touch heard until {moment} may still be credited.",
        "Ein Kontaktpunkt, der bis {moment} bekannt wird, kann noch angerechnet werden.",
    ),
    "next_lapsed": Sentence(
        "Nothing follows, unless a report by a secret key or the CRM still comes.",
        "Nothing follows, unless a report by a secret key or the CRM still comes.",
        "Es folgt nichts, außer es kommt noch eine Meldung mit geheimem Schlüssel oder vom CRM.",
    ),
    "next_confirmed": Sentence(
        "A report by a secret key or the CRM until {moment:moment} confirms it.",
        "A report by a secret key or the CRM until {moment} confirms it.",
        "Eine Meldung mit geheimem Schlüssel oder vom CRM bis {moment} bestätigt es.",
    ),
}
_EVIDENCE: Final = {
    "touch_later": Sentence(
        "it came after the conversion",
        "it came after the conversion",
        "Er kam nach dem Abschluss",
    ),
    "touch_consent": Sentence(
        "consent was refused", "consent was refused", "Die Einwilligung wurde verweigert"
    ),
    "touch_code_unknown": Sentence(
        "nobody knows this code", "nobody knows this code", "Diesen Code kennt niemand"
    ),
    "touch_link_revoked": Sentence(
        "the link was revoked on {moment:moment}",
        "the link was revoked on {moment}",
        "Der Link wurde am {moment} widerrufen",
    ),
    "touch_link_expired": Sentence(
        "the link expired on {moment:moment}",
        "the link expired on {moment}",
        "Der Link ist am {moment} abgelaufen",
    ),
    "touch_not_enrolled": Sentence(
        "the participant was not enrolled then",
        "the participant was not enrolled then",
        "Der Teilnehmer war damals nicht dabei",
    ),
    "touch_deactivated": Sentence(
        "the participant was deactivated by then",
        "the participant was deactivated by then",
        "Der Teilnehmer war damals nicht mehr dabei",
    ),
    "touch_program_not_begun": Sentence(
        "the program had not begun then",
        "the program had not begun then",
        "Das Programm hatte damals nicht begonnen",
    ),
    "touch_program_ended": Sentence(
        "the program had ended then",
        "the program had ended then",
        "Das Programm war damals beendet",
    ),
    "touch_program_paused": Sentence(
        "the program was paused then",
        "the program was paused then",
        "Das Programm ruhte damals",
    ),
    "touch_outside_window": Sentence(
        "it lies outside the window of {span:span}",
        "it lies outside the window of {span}",
        "Er liegt außerhalb des Zeitfensters ({span})",
    ),
    "touch_repeated": Sentence(
        "it repeats the touch before it",
        "it repeats the touch before it",
        "Er wiederholt den Kontaktpunkt davor",
    ),
    "touch_superseded_by_later": Sentence(
        "superseded: a later touch counts",
        "a later touch counts instead",
        "Stattdessen zählt ein späterer",
    ),
    "touch_superseded_by_earlier": Sentence(
        "superseded: an earlier touch counts",
        "an earlier touch counts instead",
        "Stattdessen zählt ein früherer",
    ),
    "touch_last": Sentence(
        "the last touch before the conversion",
        "it is the last touch before the conversion",
        "Er ist der letzte vor dem Abschluss",
    ),
    "touch_first": Sentence(
        "the first touch within its window",
        "it is the first touch within its window",
        "Er ist der erste in seinem Zeitfenster",
    ),
    "touch_alike": Sentence(
        "every touch counts the same",
        "every touch counts the same",
        "Jeder Kontaktpunkt zählt gleich viel",
    ),
}
_REFERRALS: Final = {
    "referral_click": Sentence(
        "Somebody known followed a link",
        "somebody known followed a link",
        "Jemand Bekanntes folgte einem Link",
    ),
    "referral_share": Sentence(
        "Somebody known followed a shared link",
        "somebody known followed a shared link",
        "Jemand Bekanntes folgte einem weitergeleiteten Link",
    ),
    "referral_code": Sentence("A code was given", "a code was given", "Ein Code wurde angegeben"),
    "referral_lead": Sentence(
        "A lead was submitted", "a lead was submitted", "Ein Kontakt wurde eingereicht"
    ),
    "referral_merged": Sentence(
        "the same person as in referral {referral:name}",
        "it is the same person as in referral {referral}",
        "Es ist dieselbe Person wie in der Empfehlung {referral}",
    ),
    "referral_groundless": Sentence(
        "what it rested on was taken away",
        "what it rested on was taken away",
        "Worauf sie beruhte, ist weggefallen",
    ),
    "referral_silent": Sentence(
        "nothing came of it within the window",
        "nothing came of it within the window",
        "Im Zeitfenster wurde nichts daraus",
    ),
}
ATTRIBUTION: Final[Mapping[str, Sentence]] = {
    **_occasions(),
    **_TOUCHES,
    **_NEXT,
    **_EVIDENCE,
    **_REFERRALS,
}
