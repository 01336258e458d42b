"""What fraud says: what each check found, and what comes next."""

from collections.abc import Mapping
from typing import Final

from sentences.reading import Sentence

FRAUD: Final[Mapping[str, Sentence]] = {
    "check_self_referral": Sentence(
        "The referred person is participant {participant:name}: the same {matched:word}.",
        "The referred person is participant {participant}: the same {matched}.",
        "Die empfohlene Person ist Teilnehmer {participant} (gleiche Angabe: {matched}).",
    ),
    "check_self_referral_through": Sentence(
        "The referred person is participant {participant:name}: the same {matched:word}, "
        "known through their {between:word}.",
        "The referred person is participant {participant}: the same {matched}, known through "
        "their {between}.",
        "Die empfohlene Person ist Teilnehmer {participant} (gleiche Angabe: {matched}, bekannt "
        "über: {between}).",
    ),
    "check_duplicate_customer": Sentence(
        "Customer {customer:name} has the same e-mail address, and this program already credited "
        "their conversion {conversion:name}.",
        "Customer {customer} has the same e-mail address, and this program already credited "
        "their conversion {conversion}.",
        "Kunde {customer} hat dieselbe E-Mail-Adresse, und dieses Programm hat dessen Abschluss "
        "{conversion} schon angerechnet.",
    ),
    "check_velocity": Sentence(
        "more than {limit:count} conversions of participant {participant:name} came from one "
        "address within {span:span}: over the limit.",
        "more than {limit} conversions of participant {participant} came from one address within "
        "{span}: over the limit.",
        "Mehr als {limit} Abschlüsse von Teilnehmer {participant} kamen in kurzer Zeit ({span}) "
        "von einer Adresse: über der Grenze.",
    ),
    "check_velocity_within": Sentence(
        "{count:count} conversions of participant {participant:name} came from one address within "
        "{span:span}: within the limit of {limit:count}, so it counts nothing.",
        "{count} conversions of participant {participant} came from one address within {span}: "
        "within the limit of {limit}, so it counts nothing.",
        "{count} Abschlüsse von Teilnehmer {participant} kamen in kurzer Zeit ({span}) von einer "
        "Adresse: innerhalb der Grenze von {limit}, das zählt nicht.",
    ),
    "check_look_alike": Sentence(
        "Another source reported the same customer and amount as conversion {conversion:name}.",
        "Another source reported the same customer and amount as conversion {conversion}.",
        "Eine andere Quelle hat denselben Kunden und Betrag als Abschluss {conversion} gemeldet.",
    ),
    "check_signals_refused": Sentence(
        "The person refused consent: the signals that are missing for it count neither way.",
        "The person refused consent: the signals that are missing for it count neither way.",
        "Die Person hat nicht eingewilligt: Signale, die deshalb fehlen, zählen weder so noch so.",
    ),
    "check_shared_id": Sentence(
        "A {what:word} is joined to so many ids of one kind ({kind:word}) that it belongs to no "
        "one person: it was not followed.",
        "An id ({what}) is joined to so many others of one kind ({kind}) that it belongs to no "
        "one person: it was not followed.",
        "Eine Kennung ({what}) hängt an so vielen einer Art ({kind}), dass sie keiner einzelnen "
        "Person gehört: Ihr wurde nicht gefolgt.",
    ),
    "check_review_cleared": Sentence(
        "Reviewer {reviewer:name} decided to clear it: {note:quote}",
        "Reviewer {reviewer} decided to clear it: {note}",
        "Von {reviewer} geprüft und freigegeben: {note}",
    ),
    "check_review_rejected": Sentence(
        "Reviewer {reviewer:name} decided to reject it: {note:quote}",
        "Reviewer {reviewer} decided to reject it: {note}",
        "Von {reviewer} geprüft und abgelehnt: {note}",
    ),
    "next_cleared": Sentence(
        "Rewards may be approved when their hold ends.",
        "Rewards may be approved when their waiting period ends.",
        "Prämien können am Ende ihrer Wartezeit bewilligt werden.",
    ),
    "next_review": Sentence(
        "A reviewer clears or rejects it; until then nothing is approved.",
        "A reviewer clears or rejects it; until then nothing is approved.",
        "Jemand prüft es und entscheidet; bis dahin wird nichts bewilligt.",
    ),
    "next_rejected": Sentence(
        "Nothing is paid. A reviewer can clear it if this is a mistake.",
        "Nothing is paid. A reviewer can clear it if this is a mistake.",
        "Es wird nichts gezahlt. Ist das ein Irrtum, kann eine Prüfung es freigeben.",
    ),
}
