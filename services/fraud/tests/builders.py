"""Events and values with defaults: a test names only what it is about."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from fraud.settings import Settings
from pydantic import SecretStr
from service_kit.testing import Given, event
from shared_schemas.events import attribution as a
from shared_schemas.events import programs as p
from shared_schemas.events import tracking as t
from shared_schemas.events.programs import FraudPolicy
from shared_schemas.keys import KeyKind, api_key_hash
from shared_schemas.states import ConversionState
from shared_schemas.words import (
    AttributionModel,
    ConsentMode,
    ConsentState,
    Group,
    TouchKind,
    Trigger,
    Trust,
)

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PEPPER = "pepper-8d1f0c7a5e42"
REVIEW_SECONDS = 3 * 86_400


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def hashed(text: str) -> str:
    """A hash as tracking would make one."""
    return sha256(text.encode()).hexdigest()


def settings(database: str) -> Settings:
    """Fraud's settings on a database."""
    return Settings(
        database=SecretStr(database),
        operator_token=SecretStr("operator-token-91c4e7"),
        key_pepper=SecretStr(PEPPER),
        review_seconds=REVIEW_SECONDS,
        ordinal=0,
    )


def granted() -> t.Consent:
    """Consent that was given."""
    return t.Consent(mode=ConsentMode.OPT_OUT, state=ConsentState.GRANTED)


def unasked() -> t.Consent:
    """Consent that was neither given nor refused."""
    return t.Consent(mode=ConsentMode.OPT_OUT, state=ConsentState.UNKNOWN)


def program(version: int = 1, program_id: str = "p", hold_seconds: int = 3_600, **f: Any) -> Given:
    """A program version with this fraud policy."""
    return event(
        p.ProgramVersionActivated(
            program_id=program_id,
            version=version,
            name="Friends",
            group=Group.CUSTOMER,
            effective_at=NOON,
            activated_at=NOON,
            hold_seconds=hold_seconds,
            rewards=(),
            fraud=FraudPolicy(**{"velocity_limit": 20, **f}),
            actor="root",
        )
    )


def participant(
    participant_id: str = "ann",
    revision: int = 1,
    customer_id: str | None = None,
    email: str | None = None,
) -> Given:
    """A participant, by default one of whom no id is known."""
    period = p.ParticipantPeriod(from_at=NOON, group=Group.CUSTOMER, market_id="de")
    return event(
        p.ParticipantChanged(
            participant_id=participant_id,
            revision=revision,
            language="en",
            customer_id=customer_id,
            email_hash=hashed(email) if email else None,
            history=(period,),
        )
    )


def touch(touch_id: str, minutes: float = 0, address: str | None = None, **given: Any) -> Given:
    """A click, from this address."""
    return event(
        t.ClickRecorded(
            touch_id=touch_id,
            kind=TouchKind.CLICK,
            code="ANN",
            program_id="p",
            market_id="de",
            address_hash=hashed(address) if address else None,
            consent=granted(),
            occurred_at=at(minutes),
            received_at=at(minutes),
            **given,
        ),
        at=at(minutes),
    )


def link(
    minutes: float = 0,
    *,
    visitor: str | None = None,
    customer: str | None = None,
    email: str | None = None,
    trust: Trust = Trust.SECRET,
    consent: t.Consent | None = None,
    unlink: bool = False,
) -> Given:
    """A fact that joins (or parts) two ids."""
    model = t.IdentityUnlinked if unlink else t.IdentityLinked
    return event(
        model(
            visitor_id=visitor,
            customer_id=customer,
            email_hash=hashed(email) if email else None,
            trust=trust,
            market_id="de",
            consent=consent or granted(),
            occurred_at=at(minutes),
            received_at=at(minutes),
        ),
        at=at(minutes),
    )


def consent(visitor: str, state: ConsentState, minutes: float = 0) -> Given:
    """A visitor's word on consent."""
    return event(
        t.ConsentChanged(
            visitor_id=visitor,
            state=state,
            market_id="de",
            occurred_at=at(minutes),
            received_at=at(minutes),
        ),
        at=at(minutes),
    )


def report(
    conversion_id: str = "c1",
    minutes: float = 0,
    *,
    visitor: str | None = None,
    customer: str | None = None,
    email: str | None = None,
    address: str | None = None,
    trust: Trust = Trust.SECRET,
    consent: t.Consent | None = None,
) -> Given:
    """A report of a conversion."""
    return event(
        t.ConversionRecorded(
            conversion_id=conversion_id,
            trigger=Trigger.PURCHASE,
            family="sale",
            reference=conversion_id,
            amount_minor=10_000,
            currency="EUR",
            visitor_id=visitor,
            customer_id=customer,
            email_hash=hashed(email) if email else None,
            address_hash=hashed(address) if address else None,
            market_id="de",
            consent=consent or granted(),
            trust=trust,
            occurred_at=at(minutes),
            received_at=at(minutes),
        ),
        at=at(minutes),
    )


def share(
    participant_id: str = "ann",
    weight: str = "1",
    touches: tuple[str, ...] = (),
    program_id: str = "p",
    version: int = 1,
) -> a.Share:
    """A participant's part, earned by these touches."""
    evidence = tuple(
        a.Evidence(
            touch_id=touch_id, kind=TouchKind.CLICK, code="ANN", at=NOON, counted=True, why="last"
        )
        for touch_id in touches
    )
    return a.Share(
        participant_id=participant_id,
        group=Group.CUSTOMER,
        program_id=program_id,
        program_version=version,
        market_id="de",
        referral_id=f"r-{participant_id}",
        weight=weight,
        amount_minor=10_000,
        evidence=evidence,
        evidence_count=len(evidence),
    )


def credited(
    conversion_id: str = "c1",
    minutes: float = 0,
    *,
    shares: tuple[a.Share, ...] | None = None,
    told_minutes: float | None = None,
    **given: Any,
) -> Given:
    """Attribution's decision that this conversion is somebody's; by default ann's, by bob."""
    facts = _decided(conversion_id, minutes) | {"state": ConversionState.CREDITED} | given
    told = at(minutes if told_minutes is None else told_minutes)
    return event(a.ConversionCredited(shares=shares or (share(),), **facts), at=told)


def unattributed(conversion_id: str = "c1", minutes: float = 0, **given: Any) -> Given:
    """Attribution's decision that it is nobody's."""
    facts = _decided(conversion_id, minutes) | {"state": ConversionState.UNATTRIBUTED} | given
    return event(a.ConversionUnattributed(**facts), at=at(minutes))


def _decided(conversion_id: str, minutes: float) -> dict[str, Any]:
    return {
        "conversion_id": conversion_id,
        "revision": 1,
        "trigger": Trigger.PURCHASE,
        "family": "sale",
        "reference": conversion_id,
        "amount_minor": 10_000,
        "currency": "EUR",
        "customer_id": "bob",
        "referee_id": "bob",
        "market_id": "de",
        "occurred_at": at(minutes),
        "first_reported_at": at(minutes),
        "grace_ends_at": at(minutes + 60),
        "policy_version": 1,
        "model": AttributionModel.LAST,
        "reason": "last touch",
        "next_step": "fraud judges it",
    }


def admin_key(raw: str, scopes: tuple[str, ...] = ("fraud.review",), **given: Any) -> Given:
    """An admin key."""
    return event(
        p.KeyIssued(
            key_id=given.pop("key_id", "k1"),
            revision=1,
            kind=given.pop("kind", KeyKind.ADMIN),
            hash=api_key_hash(PEPPER, raw),
            scopes=scopes,
            actor_id=given.pop("actor_id", "rita"),
            valid_from=NOON,
            **given,
        )
    )
