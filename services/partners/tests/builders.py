"""Facts with defaults: a test says only what matters to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from partners.settings import Settings
from shared_schemas.events.programs import (
    KeyIssued,
    LinkIssued,
    LinkPeriod,
    ParticipantEnrolled,
    ParticipantPeriod,
)
from shared_schemas.events.rewards import RewardChanged, RewardPending
from shared_schemas.keys import KeyKind, api_key_hash
from shared_schemas.words import Group

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PEPPER = "key-pepper-of-these-tests"
RAW = "gw_ak_admin-key-of-these-tests"


def settings(database: str) -> Settings:
    """Settings with secrets of the test's own."""
    return Settings(
        database=database,
        operator_token="operator-token-of-these-tests",
        key_pepper=PEPPER,
        ordinal=0,
    )


def admin_key(raw: str = RAW, **given: Any) -> KeyIssued:
    """An admin key with both scopes."""
    facts = {
        "key_id": "ops",
        "revision": 1,
        "kind": KeyKind.ADMIN,
        "hash": api_key_hash(PEPPER, raw),
        "scopes": ("partners.read", "partners.write"),
        "actor_id": "pam",
        "valid_from": NOON,
    }
    return KeyIssued.model_validate(facts | given)


def enrolled(
    participant_id: str = "acme-p",
    *,
    group: Group = Group.PARTNER,
    active: bool = True,
    revision: int = 1,
) -> ParticipantEnrolled:
    """A participant of the group partner."""
    period = ParticipantPeriod(from_at=NOON, group=group, market_id="eu", active=active)
    return ParticipantEnrolled(
        participant_id=participant_id, revision=revision, language="de", history=(period,)
    )


def link(code: str, **given: Any) -> LinkIssued:
    """A link somewhere."""
    facts = {
        "code": code,
        "revision": 1,
        "program_id": "resellers",
        "market_id": "eu",
        "destination": "https://shop.example.com",
        "issued_at": NOON,
        "history": (LinkPeriod(from_at=NOON, participant_id="acme-p"),),
    }
    return LinkIssued.model_validate(facts | given)


def partner(**given: Any) -> dict[str, Any]:
    """A partner's request body."""
    return {
        "partner_id": "acme",
        "name": "Acme",
        "participant_id": "acme-p",
        "market_id": "eu",
    } | given


def campaign(**given: Any) -> dict[str, Any]:
    """A campaign's request body, running for a month around now."""
    return {
        "campaign_id": "spring",
        "name": "Spring",
        "program_id": "resellers",
        "market_id": "eu",
        "starts_at": (NOON - timedelta(days=1)).isoformat(),
        "ends_at": "2999-01-01T00:00:00Z",
        "destination": "https://shop.example.com/acme",
        "codes": ["ACME-1", "ACME-2"],
    } | given


def reward(model: type[RewardChanged] = RewardPending, **given: Any) -> RewardChanged:
    """One revision of a partner's reward."""
    facts = {
        "reward_id": "r1",
        "revision": 1,
        "state": "pending",
        "beneficiary_id": "acme-p",
        "side": "referrer",
        "participant_id": "acme-p",
        "group": "partner",
        "conversion_id": "c1",
        "credit_revision": 1,
        "referral_id": "f1",
        "program_id": "resellers",
        "program_version": 1,
        "rule_name": "share",
        "trigger": "purchase",
        "kind": "cash",
        "rail": "webhook",
        "market_id": "eu",
        "amount_minor": 100,
        "currency": "EUR",
        "digits": 2,
        "occurred_at": NOON,
        "hold_ends_at": NOON,
        "posted_at": NOON,
        "reason": "earned",
        "next_step": "wait",
    }
    return model.model_validate(facts | given)
