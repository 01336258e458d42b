"""What notifications says: why a message was not sent, or nobody knows whether it was."""

from collections.abc import Mapping
from typing import Final

from sentences.reading import Sentence

NOTIFICATIONS: Final[Mapping[str, Sentence]] = {
    "message_unsubscribed": Sentence(
        "unsubscribed", "the reader wants no mails", "Die Mails sind abbestellt"
    ),
    "message_expired": Sentence(
        "expired",
        "it could not be delivered in time",
        "Sie konnte nicht rechtzeitig zugestellt werden",
    ),
    "message_no_contact": Sentence(
        "no_contact", "no address is known", "Es ist keine Adresse bekannt"
    ),
    "message_forgotten": Sentence(
        "forgotten", "the reader's address was erased", "Die Adresse wurde gelöscht"
    ),
    "message_keys_unavailable": Sentence(
        "keys_unavailable",
        "the key of the address could not be fetched",
        "Der Schlüssel der Adresse war nicht zu bekommen",
    ),
    "message_unreadable": Sentence(
        "contact_unreadable", "the address cannot be read", "Die Adresse ist nicht lesbar"
    ),
    "message_no_address": Sentence(
        "the contact's address is not one",
        "the address is not a valid one",
        "Die Adresse ist ungültig",
    ),
    "message_timeout": Sentence(
        "timeout", "the mail server took too long", "Der Mailserver brauchte zu lange"
    ),
    "message_no_connection": Sentence(
        "no connection: {error:name}",
        "the mail server could not be reached ({error})",
        "Der Mailserver war nicht erreichbar ({error})",
    ),
    "message_connection_lost": Sentence(
        "connection lost: {error:name}",
        "the connection to the mail server was lost ({error})",
        "Die Verbindung zum Mailserver brach ab ({error})",
    ),
    "message_refused": Sentence(
        "the mail server answered {code:count}",
        "the mail server refused it ({code})",
        "Der Mailserver hat sie abgelehnt ({code})",
    ),
    "message_no_answer": Sentence(
        "no answer: {error:name}",
        "the mail server did not say whether it took it ({error})",
        "Der Mailserver sagte nicht, ob er sie angenommen hat ({error})",
    ),
    "message_interrupted": Sentence(
        "the process ended while it was being sent",
        "our service stopped while it was being sent",
        "Unser Dienst hielt an, während sie gesendet wurde",
    ),
    "message_decided": Sentence(
        "decided by {actor:name}", "decided by {actor}", "Entschieden von {actor}"
    ),
    "message_our_fault": Sentence(
        "our own fault: {error:name}",
        "it is our own fault ({error})",
        "Das liegt an uns ({error})",
    ),
    "message_gone": Sentence(
        "gone", "the webhook's address is gone for good", "Die Webhook-Adresse gibt es nicht mehr"
    ),
    "message_endpoint_disabled": Sentence(
        "endpoint_disabled", "the webhook was ended", "Der Webhook wurde beendet"
    ),
    "message_answered": Sentence(
        "answered {status:count}",
        "the webhook's receiver answered with HTTP {status}",
        "Der Webhook-Empfänger antwortete mit HTTP {status}",
    ),
    "message_exhausted": Sentence(
        "exhausted", "it was tried often enough", "Es wurde oft genug versucht"
    ),
    "message_exhausted_after": Sentence(
        "exhausted: {why:told}",
        "it was tried often enough; the last time: {why}",
        "Es wurde oft genug versucht; zuletzt: {why}",
    ),
    "message_target_url": Sentence(
        "the URL is too long or holds characters that must be encoded",
        "the webhook's URL is too long or holds characters that must be encoded",
        "Die Webhook-URL ist zu lang oder enthält Zeichen, die zu kodieren sind",
    ),
    "message_target_no_url": Sentence(
        "this is not a URL", "the webhook's URL is not one", "Die Webhook-URL ist keine"
    ),
    "message_target_shape": Sentence(
        "the URL is https://host/path",
        "the webhook's URL does not look like https://host/path",
        "Die Webhook-URL sieht nicht aus wie https://host/pfad",
    ),
    "message_target_user": Sentence(
        "the URL has neither a user nor a fragment",
        "the webhook's URL has a user or a fragment",
        "Die Webhook-URL hat einen Benutzer oder ein Fragment",
    ),
    "message_target_plain": Sentence(
        "the URL begins with https://",
        "the webhook's URL does not begin with https://",
        "Die Webhook-URL beginnt nicht mit https://",
    ),
    "message_target_private": Sentence(
        "the address is not a public one",
        "the webhook's address is not a public one",
        "Die Webhook-Adresse ist keine öffentliche",
    ),
    "message_target_this_machine": Sentence(
        "only this machine is reached without TLS",
        "the webhook's address is not reached without TLS",
        "Die Webhook-Adresse ist ohne TLS nicht erlaubt",
    ),
}
