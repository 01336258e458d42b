"""One delivery: the intent to tell one recipient of one event on one channel, and its life."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared_schemas import ids
from shared_schemas.events.notifications import (
    MessageChanged,
    MessageFailed,
    MessageSent,
    MessageUnknown,
)
from shared_schemas.events.rewards import RewardChanged
from shared_schemas.states import MessageState, check_transition
from shared_schemas.words import Channel

LOGIN = "login"
DIGEST = "digest"
MAIL_MAX_AGE = timedelta(days=3)  # news older than this is told by nobody, and no contact awaited
WEBHOOK_MAX_AGE = timedelta(days=6)  # the whole retry table and some slack
_MAX_REASON_CHARACTERS = 500


class Preference(StrEnum):
    """How often somebody wants mail."""

    EACH = "each"
    DIGEST = "digest"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Notice:
    """The event that a delivery tells of; `body` is its JSON, without personal data."""

    source: str
    event_id: str
    event_type: str
    at: datetime
    correlation_id: str
    traceparent: str | None
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery's whole state. `subject` is the beneficiary, or the webhook endpoint's id."""

    delivery_id: str
    subject: str
    channel: Channel
    template: str
    source: str
    event_id: str
    created_at: datetime
    changed_at: datetime
    next_attempt_at: datetime
    expires_at: datetime
    state: MessageState = MessageState.DUE
    revision: int = 1
    attempts: int = 0
    reward_id: str | None = None
    conversion_id: str | None = None
    market_id: str | None = None
    language: str | None = None
    endpoint_id: str | None = None
    digest_at: datetime | None = None
    digest_id: str | None = None
    reason: str = ""

    @property
    def reader(self) -> tuple[str, str]:
        """Its subject, and whom its words speak to."""
        return self.subject, side_of(self.template)


@dataclass(frozen=True, slots=True)
class _About:
    reward_id: str | None = None
    conversion_id: str | None = None
    market_id: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a webhook endpoint listens to. `event_types` empty: every reward event."""

    endpoint_id: str
    event_types: frozenset[str]
    since: datetime
    until: datetime | None

    def wants(self, event_type: str, at: datetime) -> bool:
        """Whether an event of that time and type is for it."""
        listening = self.since <= at and (self.until is None or at < self.until)
        return listening and (not self.event_types or event_type in self.event_types)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. DUE with `retry_at` is another try; `tried` counts it."""

    state: MessageState
    reason: str = ""
    retry_at: datetime | None = None
    tried: bool = True
    language: str | None = None


def told(
    notice: Notice,
    reward: RewardChanged,
    preference: Preference,
    subscriptions: Sequence[Subscription],
    digest_at: datetime | None,
) -> list[Delivery]:
    """Every delivery about a reward's change: in-app, mail, and one for each subscription.

    `digest_at` is used with the preference `digest` only.
    """
    template = f"{notice.event_type}/{reward.side}"
    about = _About(reward.reward_id, reward.conversion_id, reward.market_id)

    def one(subject: str, channel: Channel, max_age: timedelta) -> Delivery:
        return _new(notice, subject, channel, template, notice.at + max_age, about)

    beneficiary = reward.beneficiary_id
    in_app = replace(one(beneficiary, Channel.IN_APP, MAIL_MAX_AGE), state=MessageState.SENT)
    mail = one(beneficiary, Channel.EMAIL, MAIL_MAX_AGE)
    if preference is Preference.NONE:
        mail = replace(mail, state=MessageState.FAILED, reason="unsubscribed")
    elif preference is Preference.DIGEST and digest_at is not None:
        mail = replace(mail, digest_at=digest_at, expires_at=digest_at + MAIL_MAX_AGE)
    hooks = [
        replace(
            one(subscription.endpoint_id, Channel.WEBHOOK, WEBHOOK_MAX_AGE),
            endpoint_id=subscription.endpoint_id,
        )
        for subscription in subscriptions
        if subscription.wants(notice.event_type, notice.at)
    ]
    return [in_app, mail, *hooks]


def login_mail(notice: Notice, subject: str, expires_at: datetime) -> Delivery:
    """The mail with a one-time link; preferences do not concern it."""
    return _new(notice, subject, Channel.EMAIL, LOGIN, expires_at, _About())


def digest_mail(notice: Notice, collected: Delivery) -> Delivery:
    """The one mail that carries what a digest collected, such as `collected`."""
    template = f"{DIGEST}/{side_of(collected.template)}"
    about = _About(market_id=collected.market_id)
    expires_at = notice.at + MAIL_MAX_AGE
    return _new(notice, collected.subject, Channel.EMAIL, template, expires_at, about)


def settled(delivery: Delivery, outcome: Outcome, now: datetime) -> Delivery:
    """The delivery after an attempt. Raises IllegalTransition for a state that cannot follow."""
    check_transition(delivery.state, outcome.state)
    retry_at = outcome.retry_at or delivery.next_attempt_at
    state, reason = outcome.state, outcome.reason
    if state is MessageState.DUE and retry_at >= delivery.expires_at:
        state, reason = MessageState.FAILED, reason or "expired"
    return replace(
        delivery,
        state=state,
        reason=reason[:_MAX_REASON_CHARACTERS],
        revision=delivery.revision + 1,
        attempts=delivery.attempts + outcome.tried,
        next_attempt_at=retry_at,
        language=outcome.language or delivery.language,
        changed_at=now,
    )


_EVENTS: Mapping[MessageState, type[MessageChanged]] = {
    MessageState.SENT: MessageSent,
    MessageState.UNKNOWN: MessageUnknown,
    MessageState.FAILED: MessageFailed,
}


def message_of(delivery: Delivery) -> MessageChanged | None:
    """What is published of a delivery's state; None while it is due."""
    model = _EVENTS.get(delivery.state)
    if model is None:
        return None
    return model(
        delivery_id=delivery.delivery_id,
        revision=delivery.revision,
        state=delivery.state,
        subject=delivery.subject,
        channel=delivery.channel,
        template=delivery.template,
        language=delivery.language,
        reward_id=delivery.reward_id,
        conversion_id=delivery.conversion_id,
        caused_by=delivery.event_id,
        attempts=delivery.attempts,
        reason=delivery.reason,
        changed_at=delivery.changed_at,
    )


def side_of(template: str) -> str:
    """Whom a mail's template speaks to: `referrer`, `referee` or, for a login, `login`."""
    return template.rpartition("/")[2]


def _new(
    notice: Notice,
    subject: str,
    channel: Channel,
    template: str,
    expires_at: datetime,
    about: _About,
) -> Delivery:
    return Delivery(
        delivery_id=ids.delivery_id(subject, channel, notice.source, notice.event_id),
        subject=subject,
        channel=channel,
        template=template,
        source=notice.source,
        event_id=notice.event_id,
        created_at=notice.at,
        changed_at=notice.at,
        next_attempt_at=notice.at,
        expires_at=expires_at,
        reward_id=about.reward_id,
        conversion_id=about.conversion_id,
        market_id=about.market_id,
    )
