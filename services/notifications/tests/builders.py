"""Events and settings with defaults: a test says only what matters to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from notifications.domain.delivery import Notice
from notifications.settings import Settings
from service_kit.testing import Given, event
from shared_schemas.events.contacts import ContactForgotten, ContactSealed
from shared_schemas.events.hub import LoginRequested
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    KeyIssued,
    ParticipantEnrolled,
)
from shared_schemas.events.rewards import RewardChanged, RewardPending
from shared_schemas.events.tracking import IdentityLinked
from shared_schemas.keys import api_key_hash
from shared_schemas.sealed import new_subject_key, seal_with

PEPPER = "pepper-of-these-tests"
MASTER_KEY = "master-key-of-these-tests"
CONTACT_TOKEN = "contact-token-of-these-tests"
LOGIN_SECRET = "login-secret-of-these-tests"
OPERATOR = "operator-token-of-these-tests"
MAILBOX_HASH = "ab" * 32
NOW = datetime.now(UTC).replace(microsecond=0)  # the senders' clock is the wall's
CONSENT = {"mode": "opt_in", "state": "granted"}


def settings(url: str = "postgresql://nobody@localhost/none", **given: Any) -> Settings:
    """Settings of one instance."""
    made: dict[str, Any] = {
        "database": url,
        "operator_token": OPERATOR,
        "ordinal": 0,
        "key_pepper": PEPPER,
        "master_key": MASTER_KEY,
        "contact_token": CONTACT_TOKEN,
        "login_secret": LOGIN_SECRET,
        "programs_url": "http://127.0.0.1:9",
        "hub_url": "https://hub.example.com",
        "public_url": "https://mail.example.com",
        "smtp_url": "smtp://127.0.0.1:9",
        "webhook_allow_loopback": True,
    }
    return Settings(**(made | given))


def reward(model: type[RewardChanged] = RewardPending, **given: Any) -> RewardChanged:
    """Ann's reward of 12.50 EUR for a purchase."""
    state = model.TYPE.split(".")[1]
    made: dict[str, Any] = {
        "reward_id": "r1",
        "revision": 1,
        "state": "pending" if state == "revised" else state,
        "beneficiary_id": "ann",
        "side": "referrer",
        "participant_id": "ann",
        "group": "customer",
        "conversion_id": "c1",
        "credit_revision": 1,
        "referral_id": "ref1",
        "program_id": "friends",
        "program_version": 1,
        "rule_name": "thanks",
        "trigger": "purchase",
        "kind": "account_credit",
        "rail": "account_credit",
        "market_id": "eu",
        "amount_minor": 1250,
        "currency": "EUR",
        "digits": 2,
        "occurred_at": "2026-11-02T11:00:00Z",
        "hold_ends_at": "2026-11-16T11:00:00Z",
        "posted_at": "2026-11-02T12:00:00Z",
        "reason": "earned, and on hold",
        "explanation": [
            "Rule thanks of program friends, version 1, gives the referrer 1/10 of the credited"
            " value for purchase: 12.50 EUR."
        ],
        "next_step": "It is approved when the hold ends, if the fraud check clears it.",
        "next_at": "2026-11-16T11:00:00Z",
    }
    return model.model_validate(made | given)


def rewarded(n: int = 1, at: datetime = NOW, **given: Any) -> Given:
    """The nth reward event."""
    given = {"reward_id": f"r{n}"} | given
    return event(reward(**given), at=at, id=f"e{n}", source="rewards")


def notice(**given: Any) -> Notice:
    """What a delivery tells of."""
    made: dict[str, Any] = {
        "source": "rewards",
        "event_id": "e1",
        "event_type": RewardPending.TYPE,
        "at": NOW,
        "correlation_id": "e0",
        "traceparent": None,
        "body": reward().model_dump(mode="json", exclude_none=True),
    }
    return Notice(**(made | given))


def market(**given: Any) -> Given:
    """A market in Berlin that speaks German."""
    made: dict[str, Any] = {
        "market_id": "eu",
        "version": 1,
        "effective_at": NOW,
        "activated_at": NOW,
        "currency": "EUR",
        "language": "de",
        "zone": "Europe/Berlin",
        "consent_mode": "opt_in",
        "model": "last",
        "windows": [],
        "grace_seconds": 0,
        "actor": "pam",
    }
    return event(AttributionPolicyActivated.model_validate(made | given), at=NOW)


def participant(name: str = "ann", revision: int = 1, language: str = "en") -> Given:
    """A participant of the market."""
    period = {"from_at": NOW, "group": "customer", "market_id": "eu"}
    made = {
        "participant_id": name,
        "revision": revision,
        "language": language,
        "history": [period],
    }
    return event(ParticipantEnrolled.model_validate(made), at=NOW)


def admin_key(raw: str, *scopes: str, **given: Any) -> Given:
    """An admin key as programs publishes it."""
    made = {
        "key_id": raw,
        "revision": 1,
        "kind": "admin",
        "hash": api_key_hash(PEPPER, raw),
        "scopes": scopes,
        "actor_id": f"{raw}-person",
        "valid_from": NOW,
    }
    return event(KeyIssued.model_validate(made | given), at=NOW)


class People:
    """Contacts with keys, as programs has them."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}

    def contact(self, subject: str, email: str = "", revision: int = 1, **given: Any) -> Given:
        """A contact under the subject's own key."""
        key_id = f"key-{subject}"
        key = self.keys.setdefault(key_id, new_subject_key())
        personal = {"email": email or f"{subject}@example.com", "name": "Ann Müller"}
        data = ContactSealed(
            subject=subject,
            revision=revision,
            sealed=seal_with(key, key_id, personal),
            **given,
        )
        return event(data, at=NOW)

    def forgotten(self, subject: str, revision: int = 2) -> Given:
        """The subject's key is destroyed."""
        self.keys.pop(f"key-{subject}", None)
        data = ContactForgotten(subject=subject, revision=revision, forgotten_at=NOW)
        return event(data, at=NOW)


def linked(customer_id: str = "cust", trust: str = "secret", **given: Any) -> Given:
    """A customer's id stands for a mailbox."""
    made: dict[str, Any] = {
        "customer_id": customer_id,
        "email_hash": MAILBOX_HASH,
        "trust": trust,
        "market_id": "eu",
        "consent": CONSENT,
        "occurred_at": NOW,
        "received_at": NOW,
    }
    return event(IdentityLinked.model_validate(made | given), at=NOW)


def login(minutes: int = 15) -> Given:
    """Ann wants a one-time link, now: a long run of tests must not make it late."""
    now = datetime.now(UTC).replace(microsecond=0)
    data = LoginRequested(
        subject="ann",
        login_id="login-1",
        requested_at=now,
        expires_at=now + timedelta(minutes=minutes),
    )
    return event(data, at=now, source="hub")
