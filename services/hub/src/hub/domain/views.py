"""What one person may see of a conversion: their own part, and of others nothing but that they
are there."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sentences.arithmetic import VERDICTS

from .sentences import CATALOGUE

Body = Mapping[str, Any]
Document = Mapping[str, Any]

_ABOUT_THE_CUSTOMER = ("customer_id", "referee_id", "reference", "look_alike_of")


def visible(documents: Sequence[Document], only: Collection[str] | None) -> list[Document]:
    """The documents of one conversion as these ids may see them; all of them for None.

    Empty if the conversion does not concern them. Others' names, rewards, payouts and messages,
    who the customer is and how the fraud check counts stay out.
    """
    if only is None:
        return list(documents)
    if not any(_concerns(document, only) for document in documents):
        return []
    shown = ((document, _VIEWS.get(document["kind"])) for document in documents)
    return [
        {**document, "body": body}
        for document, view in shown
        if view is not None and (body := view(document["body"], only)) is not None
    ]


def _concerns(document: Document, only: Collection[str]) -> bool:
    body = document["body"]
    if document["kind"] != "conversion":
        return body.get("beneficiary_id") in only
    people = [item.get("participant_id") for name in _PARTS for item in body.get(name, ())]
    return body.get("referee_id") in only or any(person in only for person in people)


_PARTS = ("shares", "refused")


def _conversion(body: Body, only: Collection[str]) -> Body:
    own_purchase = body.get("referee_id") in only
    hidden = () if own_purchase else _ABOUT_THE_CUSTOMER
    refused = [item for item in body.get("refused", ()) if item.get("participant_id") in only]
    return {
        **{name: value for name, value in body.items() if name not in hidden},
        "shares": [_share(share, only) for share in body.get("shares", ())],
        "refused": refused,
        "refused_count": len(refused),
    }


def _share(share: Body, only: Collection[str]) -> Body:
    if share["participant_id"] in only:
        return share
    return {
        "participant_id": None,
        "weight": share["weight"],
        "amount_minor": share["amount_minor"],
        "evidence_count": 0,
    }


def _verdict(body: Body, _only: Collection[str]) -> Body:
    """Which checks spoke against it: not how they count, nor whom else they looked at."""
    counted = [c for c in body.get("contributions", ()) if c["points"] > 0 or c["name"] == "review"]
    told = ("conversion_id", "verdict_revision", "state", "judged_at", "next_step")
    return {
        **{name: body[name] for name in told},
        "contributions": [{"name": c["name"]} for c in counted],
    }


def _reward(body: Body, only: Collection[str]) -> Body | None:
    """The arithmetic, but not how the risk check counts, nor lines that nobody knows."""
    if body["beneficiary_id"] not in only:
        return None
    said = ((line, CATALOGUE.read(line)) for line in body.get("explanation", ()))
    lines = [line for line, read in said if read is not None and read.code not in VERDICTS]
    return {**body, "explanation": lines}


def _of_beneficiary(body: Body, only: Collection[str]) -> Body | None:
    return body if body["beneficiary_id"] in only else None


def _of_subject(body: Body, only: Collection[str]) -> Body | None:
    return body if body["subject"] in only else None


_VIEWS: Mapping[str, Callable[[Body, Collection[str]], Body | None]] = {
    "conversion": _conversion,
    "verdict": _verdict,
    "reward": _reward,
    "payout": _of_beneficiary,
    "message": _of_subject,
}
