"""What rewards says of payouts: why one failed, was withdrawn, or is unknown."""

from collections.abc import Mapping
from typing import Final

from .reading import Sentence

PAYOUTS: Final[Mapping[str, Sentence]] = {
    "payout_withdrawn": Sentence(
        "withdrawn before it was sent",
        "it was withdrawn before it was sent",
        "Sie wurde zurückgezogen, bevor sie gesendet war",
    ),
    "payout_no_provider_nothing_sent": Sentence(
        "no payout URL is configured; nothing was sent",
        "no payment provider is set up, so nothing was sent",
        "Es ist kein Zahlungsdienst eingerichtet, deshalb wurde nichts gesendet",
    ),
    "payout_no_provider": Sentence(
        "no payout URL is configured",
        "no payment provider is set up",
        "Es ist kein Zahlungsdienst eingerichtet",
    ),
    "payout_answered": Sentence(
        "the provider answered HTTP {status:count}",
        "the payment provider answered with HTTP {status}",
        "Der Zahlungsdienst antwortete mit HTTP {status}",
    ),
    "payout_answer_unreadable": Sentence(
        "the provider's answer cannot be read",
        "the payment provider's answer cannot be read",
        "Die Antwort des Zahlungsdienstes ist nicht lesbar",
    ),
    "payout_answer_misplaced": Sentence(
        "the provider answered about another payout",
        "the payment provider answered about another payout",
        "Der Zahlungsdienst antwortete zu einer anderen Auszahlung",
    ),
    "payout_answer_amount": Sentence(
        "the provider names another amount",
        "the payment provider names another amount",
        "Der Zahlungsdienst nennt einen anderen Betrag",
    ),
    "payout_pending": Sentence(
        "the provider is still at it",
        "the payment provider is still at it",
        "Der Zahlungsdienst ist noch dabei",
    ),
    "payout_refused_us": Sentence(
        "the provider refuses us with HTTP {status:count}",
        "the payment provider does not let us in (HTTP {status})",
        "Der Zahlungsdienst lässt uns nicht zu (HTTP {status})",
    ),
    "payout_refused": Sentence(
        "refused with HTTP {status:count}",
        "the payment provider refused it (HTTP {status})",
        "Der Zahlungsdienst hat sie abgelehnt (HTTP {status})",
    ),
    "payout_refused_because": Sentence(
        "refused with HTTP {status:count}: {why:quote}",
        "the payment provider refused it (HTTP {status}): {why}",
        "Der Zahlungsdienst hat sie abgelehnt (HTTP {status}): {why}",
    ),
    "payout_no_answer": Sentence(
        "no answer ({error:name})",
        "the payment provider did not answer ({error})",
        "Der Zahlungsdienst hat nicht geantwortet ({error})",
    ),
    "payout_not_public": Sentence(
        "{host:name} leads to an address that is not public",
        "the payment provider's name {host} leads to an address that is not public",
        "Der Name {host} des Zahlungsdienstes führt zu keiner öffentlichen Adresse",
    ),
}
