"""What fraud keeps of others' decisions: credits, participants, policies, reports, touches."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction

from msgspec import Struct
from shared_schemas.events.programs import FraudPolicy

from .identity import Mark, Node, nodes_of

MAX_COUNTED = 1_000
"""Conversions counted for one verdict; a program with a higher velocity limit has none."""

PolicyId = tuple[str, int]
"""A program and its version."""


class Share(Struct, frozen=True, kw_only=True):
    """One participant's part of a credit, and the touches that earned it."""

    participant_id: str
    program_id: str
    program_version: int
    weight: Fraction
    touch_ids: tuple[str, ...] = ()


class Credit(Struct, frozen=True, kw_only=True):
    """One revision of what attribution decided of a conversion; without shares, nobody's."""

    conversion_id: str
    revision: int
    customer_id: str | None
    occurred_at: datetime
    first_reported_at: datetime
    look_alike_of: str | None = None
    shares: tuple[Share, ...] = ()

    @property
    def participant_ids(self) -> tuple[str, ...]:
        """Who is credited, sorted."""
        return tuple(sorted({share.participant_id for share in self.shares}))

    @property
    def program_ids(self) -> tuple[str, ...]:
        """The programs that credit it, sorted."""
        return tuple(sorted({share.program_id for share in self.shares}))

    @property
    def touch_ids(self) -> tuple[str, ...]:
        """The touches that earned it, sorted."""
        return tuple(sorted({touch for share in self.shares for touch in share.touch_ids}))

    @property
    def policy_id(self) -> PolicyId | None:
        """The version that judges it: the largest share's, ties by program, then version."""
        ranked = sorted(
            (-share.weight, share.program_id, share.program_version) for share in self.shares
        )
        return (ranked[0][1], ranked[0][2]) if ranked else None


class Policy(Struct, frozen=True, kw_only=True):
    """One program version, as far as fraud needs it."""

    program_id: str
    version: int
    hold_seconds: int
    fraud: FraudPolicy

    @property
    def id(self) -> PolicyId:
        """Its program and version."""
        return self.program_id, self.version

    @property
    def velocity_limit(self) -> int | None:
        """How many conversions may come from one address; None: the check is off."""
        limit = self.fraud.velocity_limit
        return limit if limit is not None and limit <= MAX_COUNTED else None

    def hold_ends_at(self, credit: Credit) -> datetime:
        """Until when later neighbours may still count for a credit."""
        return credit.first_reported_at + timedelta(seconds=self.hold_seconds)


class Participant(Struct, frozen=True, kw_only=True):
    """Who refers, as far as it tells whether they referred themselves."""

    participant_id: str
    revision: int
    customer_id: str | None = None
    email_hash: str | None = None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The ids that are theirs."""
        return nodes_of(customer_id=self.customer_id, email_hash=self.email_hash)


class Touch(Struct, frozen=True, kw_only=True):
    """Where a touch came from. `mark` is None for one that a credit names but nobody told of."""

    touch_id: str
    mark: Mark | None = None
    address_hash: str | None = None


class Report(Struct, frozen=True, kw_only=True):
    """One report of a conversion: whom it names and where it came from."""

    conversion_id: str
    mark: Mark
    trusted: bool
    consented: bool
    refused: bool
    visitor_id: str | None = None
    customer_id: str | None = None
    email_hash: str | None = None
    address_hash: str | None = None

    @property
    def customer_nodes(self) -> tuple[Node, ...]:
        """Its customer, if it may be believed."""
        return nodes_of(customer_id=self.customer_id) if self.trusted else ()

    def other_nodes(self, refused: Iterable[Node]) -> tuple[Node, ...]:
        """Its address and visitor, without what rests on a consent that was refused."""
        email = self.email_hash if self.trusted else None
        visitor = nodes_of(visitor_id=self.visitor_id)
        if not self.consented and set(visitor) & set(refused):
            visitor = ()
        return (*nodes_of(email_hash=email), *visitor)


class Window(Struct, frozen=True, kw_only=True):
    """One credited conversion of a participant from one address: velocity counts these rows."""

    participant_id: str
    address_hash: str
    conversion_id: str
    occurred_at: datetime
    first_reported_at: datetime
    evidence_id: str


def windows_of(
    credit: Credit, touches: Mapping[str, Touch], reports: Iterable[Report]
) -> tuple[Window, ...]:
    """The credit's rows, one a participant and address, each with its first evidence's id."""
    reported = [(report.address_hash, report.mark.event_id) for report in reports]
    found: dict[tuple[str, str], str] = {}
    for share in credit.shares:
        known = (touches.get(touch_id) for touch_id in share.touch_ids)
        touched = [(touch.address_hash, touch.touch_id) for touch in known if touch]
        for address, evidence in (*touched, *reported):
            if address is not None:
                place = (share.participant_id, address)
                found[place] = min(found.get(place, evidence), evidence)
    return tuple(
        Window(
            participant_id=participant_id,
            address_hash=address,
            conversion_id=credit.conversion_id,
            occurred_at=credit.occurred_at,
            first_reported_at=credit.first_reported_at,
            evidence_id=found[participant_id, address],
        )
        for participant_id, address in sorted(found)
    )
