"""The checks, each a contribution of so many points in plain words, and what they look at."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from shared_schemas.events.fraud import Contribution

from .credit import Credit, Participant, Policy
from .identity import Kind, Node, Person, Way, kind_of

SELF_REFERRAL_POINTS = 100
DUPLICATE_CUSTOMER_POINTS = 60
VELOCITY_POINTS = 60
LOOK_ALIKE_POINTS = 60
MAX_EVIDENCE = 50

_WORDS = {Kind.CUSTOMER: "customer id", Kind.EMAIL: "e-mail address", Kind.VISITOR: "visitor"}


class Earlier(Struct, frozen=True, kw_only=True):
    """An earlier credited conversion, in one of the same programs, of a customer with the same
    e-mail address; `facts` are the events that say so."""

    customer_id: str
    conversion_id: str
    facts: tuple[str, ...] = ()


class Crowd(Struct, frozen=True, kw_only=True):
    """How many conversions of a participant came from one address, this one included.

    `count` stops at one above the limit; `conversion_ids` are the nearest before this one.
    """

    participant_id: str
    address_hash: str
    count: int
    conversion_ids: tuple[str, ...] = ()


class Case(Struct, frozen=True, kw_only=True):
    """Everything that a verdict on one credit rests on."""

    credit: Credit
    policy: Policy
    person: Person
    participants: Mapping[str, Participant]
    earlier: tuple[Earlier, ...] = ()
    crowds: tuple[Crowd, ...] = ()
    refused: bool = False


def contributions_of(case: Case) -> tuple[Contribution, ...]:
    """Every contribution, also those of no points that only explain; in a fixed order."""
    checks = (
        _self_referral(case),
        _duplicate_customer(case),
        _velocity(case),
        _look_alike(case),
        _refused(case),
        *_crowded_ids(case),
    )
    return tuple(contribution for contribution in checks if contribution)


def _self_referral(case: Case) -> Contribution | None:
    if not case.policy.fraud.self_referral:
        return None
    for participant_id in case.credit.participant_ids:
        participant = case.participants.get(participant_id)
        for node in participant.nodes if participant else ():
            if way := case.person.ways.get(node):
                return _is_the_participant(case.credit, participant_id, node, way)
    return None


def _is_the_participant(credit: Credit, participant_id: str, node: Node, way: Way) -> Contribution:
    matched = _WORDS[kind_of(node)]
    between = [_WORDS[kind] for step in way.through if (kind := kind_of(step)) is not Kind.CUSTOMER]
    how = f"the same {matched}" + (f", known through their {between[-1]}" if between else "")
    return Contribution(
        name="self_referral",
        points=SELF_REFERRAL_POINTS,
        why=f"The referred person is participant {participant_id}: {how}.",
        inputs={"participant_id": participant_id, "matched": matched, "steps": len(way.through)},
        evidence=_evidence(way.facts or (credit.conversion_id,)),
    )


def _duplicate_customer(case: Case) -> Contribution | None:
    if not case.policy.fraud.duplicate_customer or not case.earlier:
        return None
    earlier = min(case.earlier, key=lambda one: one.conversion_id)
    return Contribution(
        name="duplicate_customer",
        points=DUPLICATE_CUSTOMER_POINTS,
        why=(
            f"Customer {earlier.customer_id} has the same e-mail address, and this program"
            f" already credited their conversion {earlier.conversion_id}."
        ),
        inputs={"customer_id": earlier.customer_id, "conversions": len(case.earlier)},
        evidence=_evidence((earlier.conversion_id, *earlier.facts)),
    )


def _velocity(case: Case) -> Contribution | None:
    limit = case.policy.velocity_limit
    if limit is None or not case.crowds:
        return None
    crowd = min(case.crowds, key=lambda one: (-one.count, one.participant_id, one.address_hash))
    if crowd.count < 2:
        return None
    over = crowd.count > limit
    seconds = case.policy.fraud.velocity_window_seconds
    count = f"more than {limit}" if over else str(crowd.count)
    verdict = "over the limit" if over else f"within the limit of {limit}, so it counts nothing"
    return Contribution(
        name="velocity",
        points=VELOCITY_POINTS if over else 0,
        why=(
            f"{count} conversions of participant {crowd.participant_id} came from one address"
            f" within {seconds} seconds: {verdict}."
        ),
        inputs={
            "participant_id": crowd.participant_id,
            "address_hash": crowd.address_hash,
            "limit": limit,
            "window_seconds": seconds,
        },
        evidence=_evidence(crowd.conversion_ids),
    )


def _look_alike(case: Case) -> Contribution | None:
    other = case.credit.look_alike_of
    if other is None:
        return None
    return Contribution(
        name="look_alike",
        points=LOOK_ALIKE_POINTS,
        why=f"Another source reported the same customer and amount as conversion {other}.",
        inputs={"look_alike_of": other},
        evidence=(other,),
    )


def _refused(case: Case) -> Contribution | None:
    if not case.refused:
        return None
    return Contribution(
        name="signals_refused",
        points=0,
        why="The person refused consent: the signals that are missing for it count neither way.",
    )


def _crowded_ids(case: Case) -> Iterable[Contribution]:
    for node, kind in case.person.crowds[:MAX_EVIDENCE]:
        id_ = node.partition(":")[2]
        yield Contribution(
            name="shared_id",
            points=0,
            why=(
                f"A {_WORDS[kind_of(node)]} is joined to so many ids of one kind ({kind}) that it"
                " belongs to no one person: it was not followed."
            ),
            inputs={"id": id_, "kind": kind.value},
        )


def _evidence(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))[:MAX_EVIDENCE]
