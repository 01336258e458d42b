"""Each effect at most once, by its natural key; its states whole, in order, and as the rows say."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from shared_schemas import ids

from .history import Body, Call, History, Record, Violation

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "conversion.": ("conversion_id", "revision"),
    "credit.": ("conversion_id", "credit_revision", "verdict_revision"),
    "reward.": ("reward_id", "revision"),
    "payout.": ("payout_id", "revision"),
    "message.": ("delivery_id", "revision"),
    "referral.": ("referral_id", "revision"),
}
_OUTSIDE = "tracking."
_SENDERS = ("notifications", "postgres")  # whose end leaves an attempt without a result


def one_event_a_revision(history: History) -> Iterator[Violation]:
    """No two events tell the same revision of the same thing."""
    for beginning, names in _KEYS.items():
        owners: dict[tuple[object, ...], str] = {}
        for record, body in _inside(history, beginning):
            key = tuple(body[name] for name in names)
            if owners.setdefault(key, record.id) != record.id:
                yield Violation("doubled effect", f"{beginning} {key}")


def no_revision_is_missing(history: History) -> Iterator[Violation]:
    """Rewards and payouts tell every step, and the rows are at the last of them."""
    for beginning, name in (("reward.", "reward_id"), ("payout.", "payout_id")):
        told: dict[str, set[int]] = defaultdict(set)
        for _, body in history.of(beginning):
            told[body[name]].add(body["revision"])
        for thing, revisions in told.items():
            if len(revisions) != max(revisions):
                yield Violation("lost step", f"{beginning} {thing}")


def rows_are_as_told(history: History) -> Iterator[Violation]:
    """Rewards and conversions: the row's revision and state are the last event's."""
    rewards = newest(history, ("reward.",), "reward_id")
    told = {
        name: (b["revision"], b["state"], b.get("paid_minor", 0)) for name, b in rewards.items()
    }
    for name in told.keys() | history.tables.rewards.keys():
        if told.get(name) != history.tables.rewards.get(name):
            yield Violation("reward row is not as told", name)
    credited = newest(history, ("conversion.credited", "conversion.unattr"), "conversion_id")
    for name in credited.keys() | history.tables.conversions.keys():
        revision = credited[name]["revision"] if name in credited else None
        if revision != history.tables.conversions.get(name):
            yield Violation("conversion row is not as told", name)


def rewards_are_named_by_what_they_are(history: History) -> Iterator[Violation]:
    """Nobody earns one rule twice for one conversion: the id follows from both."""
    for _, body in history.of("reward."):
        named = ids.reward_id(
            body["program_id"],
            body["rule_name"],
            body["conversion_id"],
            body["beneficiary_id"],
            body["side"],
        )
        if named != body["reward_id"]:
            yield Violation("reward under a name of its own", body["reward_id"])


def steps_keep_their_order(history: History) -> Iterator[Violation]:
    """On an ordered topic a thing's revisions first appear one after the other."""
    highest: dict[tuple[str, str], int] = {}
    seen: set[tuple[str, str]] = set()
    for record in sorted(_ordered(history), key=lambda r: (r.topic, r.partition, r.offset)):
        body = record.body or {}
        thing = (record.topic, str(body[_name_of(record)]))
        if record.identity in seen:
            continue
        seen.add(record.identity)
        if body["revision"] < highest.get(thing, 0):
            yield Violation("out of order", f"{record.topic} {thing[1]}/{body['revision']}")
        highest[thing] = max(body["revision"], highest.get(thing, 0))


def mail_is_sent_once(history: History) -> Iterator[Violation]:
    """No delivery is mailed twice; each mail is told of; each that is told as sent was mailed."""
    told = {body["delivery_id"] for _, body in history.of("message.")}
    sent = {
        body["delivery_id"]
        for _, body in history.of("message.sent")
        if body["channel"] == "email" and not body.get("reason")
    }
    seen: set[str] = set()
    for mail in history.mails:
        if mail.id in seen:
            yield Violation("mailed twice", mail.id)
        if mail.id not in told:
            yield Violation("mail without an event", mail.id)
        seen.add(mail.id)
    for delivery in sent - seen:
        yield Violation("told as mailed, but not mailed", delivery)


def webhooks_repeat_in_the_send_window_only(history: History) -> Iterator[Violation]:
    """A delivery comes again only if its sender was killed since, and then it says the same."""
    kills = sorted(kill.at for kill in history.kills if kill.victim.startswith(_SENDERS))
    for delivery, calls in _by_id(history.webhooks).items():
        for before, after in pairwise(calls):
            if bisect_left(kills, before.at - 1) == bisect_left(kills, after.at):
                yield Violation("webhook doubled outside the send window", delivery)
            if before.said != after.said:
                yield Violation("webhook repeated with other words", delivery)


def newest(history: History, beginnings: Sequence[str], name: str) -> dict[str, Body]:
    """The highest revision of each thing, by its id."""
    found: dict[str, Body] = {}
    for _, body in _inside(history, *beginnings):
        known = found.get(body[name])
        if known is None or body["revision"] > known["revision"]:
            found[body[name]] = body
    return found


def _inside(history: History, *beginnings: str) -> Iterable[tuple[Record, Body]]:
    """What our services decided, not what came in at the door."""
    return (
        (record, body)
        for record, body in history.of(*beginnings)
        if not record.topic.startswith(_OUTSIDE)
    )


def _ordered(history: History) -> Iterable[Record]:
    return (
        record
        for record in history.records
        if record.topic in ("rewards.rewards", "rewards.payouts") and record.body is not None
    )


def _name_of(record: Record) -> str:
    return "payout_id" if record.topic == "rewards.payouts" else "reward_id"


def _by_id(calls: Sequence[Call]) -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.at):
        found[call.id].append(call)
    return found


RULES: tuple[Callable[[History], Iterable[Violation]], ...] = (
    one_event_a_revision,
    no_revision_is_missing,
    rows_are_as_told,
    rewards_are_named_by_what_they_are,
    steps_keep_their_order,
    mail_is_sent_once,
    webhooks_repeat_in_the_send_window_only,
)
