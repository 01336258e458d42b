"""The verdict on a run: pure functions from its history to what was lost, doubled or uncaused."""

from collections.abc import Callable, Iterable, Iterator

from . import effects, money
from .history import History, Record, Violation

Rule = Callable[[History], Iterable[Violation]]
PARKED = "event.parked.v1"
TOUCHES = ("click.", "share.", "code.entered", "lead.submitted")
CREDITS = ("conversion.credited", "conversion.unattributed")
_ROOTS = ("programs", "tracking", "crm")  # topics of what begins outside
_DIGESTS = "digest/"


def check(history: History) -> list[Violation]:
    """Every violation of every rule, sorted; none when all promises held."""
    return sorted({violation for rule in RULES for violation in rule(history)})


def acknowledged_is_durable(history: History) -> Iterator[Violation]:
    """What a client was told is taken is on a topic."""
    ids = {record.id for record in history.records if record.topic.startswith("tracking.")}
    for told in history.acknowledged:
        if told.event_id not in ids:
            yield Violation("lost acknowledgement", told.event_id)


def conversions_end(history: History) -> Iterator[Violation]:
    """Each acknowledged conversion is credited, unattributed or parked."""
    ended = {body["conversion_id"] for _, body in history.of(*CREDITS)}
    parked = {body["ce_id"] for _, body in history.of(PARKED) if body["consumer"] == "attribution"}
    for told in history.acknowledged:
        conversion = told.conversion_id
        if conversion and conversion not in ended and told.event_id not in parked:
            yield Violation("lost conversion", conversion)


def touches_are_kept(history: History) -> Iterator[Violation]:
    """Each touch on its topic is one row of attribution, and each row is such a touch."""
    heard = {body["touch_id"] for _, body in history.of(*TOUCHES)}
    rows = list(history.tables.touches)
    for touch in heard - set(rows):
        yield Violation("lost touch", touch)
    for touch in set(rows) - heard:
        yield Violation("touch without a record", touch)
    yield from _repeated("doubled touch", rows)


def credits_are_judged_and_rewarded(history: History) -> Iterator[Violation]:
    """The last word on each conversion reached fraud and rewards."""
    newest = effects.newest(history, CREDITS, "conversion_id")
    judged = {(b["conversion_id"], b["credit_revision"]) for _, b in history.of("credit.")}
    rewarded = {body["conversion_id"] for _, body in history.of("reward.")}
    for conversion, body in newest.items():
        if body["state"] != "credited" or not body.get("shares"):
            continue
        if (conversion, body["revision"]) not in judged:
            yield Violation("credit without verdict", f"{conversion}/{body['revision']}")
        if conversion not in rewarded and body["amount_minor"] > body.get("refunded_minor", 0):
            yield Violation("credit without reward", conversion)


def parked_is_what_was_planted(history: History) -> Iterator[Violation]:
    """Nothing else is set aside, and nothing planted goes through."""
    planted = {(p.consumer, p.source, p.event_id) for p in history.planted}
    parked = {(b["consumer"], b["ce_source"], b["ce_id"]) for _, b in history.of(PARKED)}
    for identity in planted - parked:
        yield Violation("planted, not parked", "/".join(identity))
    for identity in parked - planted:
        yield Violation("parked, not planted", "/".join(identity))


def one_id_one_body(history: History) -> Iterator[Violation]:
    """A record that comes again is the same record."""
    planted = {(p.source, p.event_id.partition("~")[0]) for p in history.planted}
    digests: dict[tuple[str, str, str], str] = {}
    for record in history.records:
        if ".dlq." in record.topic or record.identity in planted:
            continue
        first = digests.setdefault((record.topic, *record.identity), record.digest)
        if first != record.digest:
            yield Violation("one id, two bodies", f"{record.topic} {record.id}")


def everything_has_a_cause(history: History) -> Iterator[Violation]:
    """Each emitted event names an event that exists."""
    known = {record.id for record in history.records} | {p.event_id for p in history.planted}
    known |= {body["payout_id"] for _, body in history.of("payout.requested")}
    known |= history.tables.due.keys()
    for name, cause in history.tables.due.items():
        if cause is not None and cause not in known:
            yield Violation("no cause", f"due {name}")
    for records in history.facts.values():
        for record in records:
            # A provider's answer is named after its payout: <payout>/<attempt>/<word>.
            cause = (record.causation or "").partition("/")[0]
            if not _begins_outside(record) and not {record.causation, cause} & known:
                yield Violation("no cause", f"{record.type} {record.id}")


def nothing_is_left(history: History) -> Iterator[Violation]:
    """No row waits to be published."""
    if history.tables.unpublished:
        yield Violation("unpublished", f"{history.tables.unpublished} outbox rows")


def _begins_outside(record: Record) -> bool:
    body = record.body or {}
    template = str(body.get("template", ""))
    return (
        record.topic.partition(".")[0] in _ROOTS
        or record.type.startswith("preference.")
        or template.startswith(_DIGESTS)
    )


def _repeated(rule: str, names: Iterable[str]) -> Iterator[Violation]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield Violation(rule, name)
        seen.add(name)


RULES: tuple[Rule, ...] = (
    acknowledged_is_durable,
    conversions_end,
    touches_are_kept,
    credits_are_judged_and_rewarded,
    parked_is_what_was_planted,
    one_id_one_body,
    everything_has_a_cause,
    nothing_is_left,
    *effects.RULES,
    *money.RULES,
)
