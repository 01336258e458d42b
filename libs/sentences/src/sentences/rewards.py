"""What rewards says: why a reward stands as it does, and what comes next."""

from collections.abc import Mapping
from typing import Final

from .reading import Sentence

_REASONS: Final = {
    "reward_earned": Sentence(
        "earned, and on hold",
        "it is earned, and in its waiting period",
        "Sie ist verdient und in ihrer Wartezeit",
    ),
    "reward_credit_changed": Sentence(
        "revision {revision:count} of the credit: {before:amount} became {after:amount}",
        "the credit changed (revision {revision}): {before} became {after}",
        "Die Zuordnung hat sich geändert (Fassung {revision}): Aus {before} wurden {after}",
    ),
    "reward_currency_changed": Sentence(
        "the conversion is in {currency:name} now: {amount:amount} is void",
        "the conversion is in {currency} now, so {amount} is void",
        "Der Abschluss lautet jetzt auf {currency}, deshalb entfallen {amount}",
    ),
    "reward_nobody": Sentence(
        "nobody earns this any longer",
        "nobody earns this any longer",
        "Das steht niemandem mehr zu",
    ),
    "reward_nothing_left": Sentence(
        "nothing is left of the conversion",
        "nothing is left of the conversion",
        "Vom Abschluss ist nichts übrig",
    ),
    "reward_not_active": Sentence(
        "the participant was not active when this occurred",
        "the participant was not active when this occurred",
        "Der Teilnehmer war zu dieser Zeit nicht aktiv",
    ),
    "reward_no_tier": Sentence(
        "tier None is not among {tiers:names}",
        "only these tiers earn this: {tiers}. The participant had none",
        "Das gibt es nur für diese Stufen: {tiers}. Der Teilnehmer hatte keine",
    ),
    "reward_tier": Sentence(
        "tier {tier:name} is not among {tiers:names}",
        "only these tiers earn this: {tiers}. The participant's was {tier}",
        "Das gibt es nur für diese Stufen: {tiers}. Der Teilnehmer hatte {tier}",
    ),
    "reward_market": Sentence(
        "market {market:name} is not among {markets:names}",
        "only these markets earn this: {markets}. The participant's was {market}",
        "Das gibt es nur in diesen Märkten: {markets}. Der Teilnehmer war in {market}",
    ),
    "reward_capped": Sentence(
        "capped to zero",
        "a limit of the program was used up",
        "Eine Obergrenze des Programms war ausgeschöpft",
    ),
    "reward_verdict_missing": Sentence(
        "verdict_missing",
        "the risk check has not answered yet",
        "Die Risikoprüfung hat noch nicht geantwortet",
    ),
    "reward_under_review": Sentence(
        "under_review",
        "a person has to look at the risk check first",
        "Zuerst muss jemand die Risikoprüfung ansehen",
    ),
    "reward_rejected": Sentence(
        "rejected by the fraud check",
        "the risk check rejected it",
        "Die Risikoprüfung hat es abgelehnt",
    ),
    "reward_undecided": Sentence(
        "nobody decided in time",
        "nobody decided in time",
        "Darüber wurde nicht rechtzeitig entschieden",
    ),
    "reward_cleared": Sentence(
        "the hold is over and the fraud check cleared it",
        "the waiting period is over, and the risk check found nothing against it",
        "Die Wartezeit ist vorbei, und die Risikoprüfung hat nichts beanstandet",
    ),
    "reward_refunded": Sentence(
        "the conversion was refunded",
        "the conversion was refunded",
        "Der Abschluss wurde erstattet",
    ),
    "reward_left": Sentence(
        "{why:said}: {amount:amount} is left of it",
        "{why}: {amount} is left of it",
        "{why}: Davon bleiben {amount}",
    ),
    "reward_taken_back": Sentence(
        "taken back while its payout was on the way",
        "it was taken back while its payout was on the way",
        "Sie wurde zurückgenommen, während ihre Auszahlung unterwegs war",
    ),
    "reward_netted": Sentence(
        "netted: {amount:amount} went against what was owed back",
        "{amount} went against what was owed back",
        "{amount} wurden mit Offenem verrechnet",
    ),
    "reward_netted_whole": Sentence(
        "netted against what was owed",
        "it goes against what was owed back",
        "Sie wird mit Offenem verrechnet",
    ),
    "reward_netted_rest": Sentence(
        "netted, and the rest was taken back",
        "part of it went against what was owed back, and the rest was taken back",
        "Ein Teil wurde mit Offenem verrechnet, der Rest zurückgenommen",
    ),
    "reward_paying": Sentence(
        "{amount:amount} is being paid",
        "{amount} is being paid",
        "{amount} werden gerade ausgezahlt",
    ),
    "reward_paid": Sentence(
        "paid: {amount:amount}",
        "{amount} was paid",
        "{amount} wurden ausgezahlt",
    ),
    "reward_payout_failed": Sentence(
        "the payout failed: {why:told}",
        "the payout failed: {why}",
        "Die Auszahlung ist fehlgeschlagen: {why}",
    ),
    "reward_payout_failed_unexplained": Sentence(
        "the payout failed:",
        "the payout failed; the payment provider did not say why",
        "Die Auszahlung ist fehlgeschlagen; der Zahlungsdienst sagte nicht, warum",
    ),
}
_NEXT: Final = {
    "next_approved_if_cleared": Sentence(
        "It is approved when the hold ends, if the fraud check clears it.",
        "It is approved when the waiting period ends, if the risk check finds nothing against it.",
        "Sie wird am Ende der Wartezeit bewilligt, wenn die Risikoprüfung nichts beanstandet.",
    ),
    "next_decided": Sentence(
        "It is decided when the hold ends.",
        "It is decided when the waiting period ends.",
        "Darüber wird am Ende der Wartezeit entschieden.",
    ),
    "next_revision_checked": Sentence(
        "The fraud check has to clear this revision.",
        "The risk check has to look at this revision.",
        "Die Risikoprüfung muss diese Fassung noch ansehen.",
    ),
    "next_nothing_owed": Sentence("Nothing is owed.", "Nothing is owed.", "Es ist nichts offen."),
    "next_nothing_of_reward": Sentence(
        "Nothing more will come of this reward.",
        "Nothing more will come of this reward.",
        "Aus dieser Prämie wird nichts mehr.",
    ),
    "next_nothing": Sentence(
        "Nothing more will come of it.",
        "Nothing more will come of it.",
        "Daraus wird nichts mehr.",
    ),
    "next_paid_now": Sentence("It is paid now.", "It is paid now.", "Sie wird jetzt ausgezahlt."),
    "next_checked": Sentence(
        "It waits for the fraud check.",
        "It waits for the risk check.",
        "Sie wartet auf die Risikoprüfung.",
    ),
    "next_reviewed": Sentence(
        "A reviewer has to decide.",
        "A reviewer has to decide.",
        "Jemand muss es prüfen und entscheiden.",
    ),
    "next_taken_back": Sentence(
        "It is taken back when the payout's fate is known.",
        "It is taken back when it is known what became of the payout.",
        "Sie wird zurückgenommen, sobald feststeht, was aus der Auszahlung wurde.",
    ),
    "next_rest_paid": Sentence(
        "What is left of it is paid now.",
        "What is left of it is paid now.",
        "Was davon bleibt, wird jetzt ausgezahlt.",
    ),
    "next_nothing_to_pay": Sentence(
        "Nothing is left to pay.", "Nothing is left to pay.", "Es bleibt nichts zu zahlen."
    ),
    "next_netted": Sentence(
        "{amount:amount} will be netted against the next rewards.",
        "{amount} will be set off against the next rewards.",
        "{amount} werden mit den nächsten Prämien verrechnet.",
    ),
    "next_rail": Sentence(
        "The {rail:word} rail is asked to pay.",
        "It is being paid ({rail}).",
        "Sie wird ausgezahlt ({rail}).",
    ),
    "next_done": Sentence(
        "Nothing is left to do.", "Nothing is left to do.", "Es ist nichts mehr zu tun."
    ),
    "next_operator_pays": Sentence(
        "An operator has to look at the payout and request it again.",
        "An operator has to look at the payout and request it again.",
        "Der Betreiber muss die Auszahlung ansehen und neu beauftragen.",
    ),
}
REWARDS: Final[Mapping[str, Sentence]] = {**_REASONS, **_NEXT}
