"""Events with defaults: a test names only what it is about. Times are minutes after noon."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from attribution.settings import Settings
from pydantic import SecretStr
from service_kit.testing import Given, event
from shared_schemas import ids
from shared_schemas.events import crm
from shared_schemas.events import tracking as t
from shared_schemas.states import ReferralStage
from shared_schemas.words import (
    ConsentMode,
    ConsentState,
    TouchKind,
    Trigger,
    Trust,
)

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 24 * 60
TOKEN = "operator-token-77b2c9"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def email(text: str) -> str:
    """An address' hash as tracking would make one."""
    return sha256(text.encode()).hexdigest()


def settings(database: str) -> Settings:
    """Attribution's settings on a database."""
    return Settings(database=SecretStr(database), operator_token=SecretStr(TOKEN), ordinal=0)


# What tracking tells.


def _consent(state: ConsentState) -> t.Consent:
    return t.Consent(mode=ConsentMode.OPT_OUT, state=state)


def _given(data: Any, minutes: float, heard: float | None) -> Given:
    return event(data, at=at(minutes if heard is None else heard), traceparent=TRACE)


def _touch(model: Any, kind: TouchKind, minutes: float, fields: dict[str, Any]) -> Given:
    heard = fields.pop("heard", None)
    code = fields.pop("code", "ann-1")
    state = fields.pop("consent", ConsentState.UNKNOWN)
    told = model(
        kind=kind,
        code=code,
        program_id="spring",
        market_id="eu",
        consent=_consent(state),
        occurred_at=at(minutes),
        received_at=at(minutes if heard is None else heard),
        **fields,
    )
    return _given(told, minutes, heard)


def click(click_id: str, minutes: float, visitor: str | None = "v1", **fields: Any) -> Given:
    """Somebody followed ann's link."""
    fields |= {"touch_id": ids.touch_id(click_id), "click_id": click_id, "visitor_id": visitor}
    return _touch(t.ClickRecorded, TouchKind.CLICK, minutes, fields)


def share(click_id: str, minutes: float, visitor: str = "v1", **fields: Any) -> Given:
    """Somebody was met with a click's token."""
    fields |= {
        "touch_id": ids.share_view_id(click_id, visitor),
        "click_id": click_id,
        "visitor_id": visitor,
    }
    return _touch(t.ShareRecorded, TouchKind.SHARE_VIEW, minutes, fields)


def code_entered(minutes: float, visitor: str | None = "v1", **fields: Any) -> Given:
    """Somebody typed a code."""
    touch_id = ids.derived("typed", visitor or "nobody", str(minutes), fields.get("code", "ann-1"))
    fields |= {"touch_id": touch_id, "visitor_id": visitor}
    return _touch(t.CodeEntered, TouchKind.CODE, minutes, fields)


def lead(minutes: float, who: str, **fields: Any) -> Given:
    """A participant submitted somebody's contact."""
    fields |= {
        "touch_id": ids.derived("lead", who),
        "email_hash": email(who),
        "lead_id": ids.derived("lead-id", who),
    }
    return _touch(t.LeadSubmitted, TouchKind.LEAD, minutes, fields)


def _identity(model: Any, minutes: float, fields: dict[str, Any]) -> Given:
    heard = fields.pop("heard", None)
    told = model(
        trust=fields.pop("trust", Trust.SECRET),
        market_id="eu",
        consent=_consent(ConsentState.UNKNOWN),
        occurred_at=at(minutes),
        received_at=at(minutes if heard is None else heard),
        **{f"{kind}_id" if kind != "email" else "email_hash": v for kind, v in fields.items()},
    )
    return _given(told, minutes, heard)


def linked(minutes: float, **fields: Any) -> Given:
    """`visitor`, `customer`, `email` are one person."""
    return _identity(t.IdentityLinked, minutes, fields)


def unlinked(minutes: float, **fields: Any) -> Given:
    """They are not."""
    return _identity(t.IdentityUnlinked, minutes, fields)


def refused(minutes: float, visitor: str, state: ConsentState = ConsentState.DENIED) -> Given:
    """A visitor refused consent."""
    told = t.ConsentChanged(
        visitor_id=visitor,
        state=state,
        market_id="eu",
        occurred_at=at(minutes),
        received_at=at(minutes),
    )
    return _given(told, minutes, None)


def conversion_id(reference: str, trigger: Trigger = Trigger.PURCHASE) -> str:
    """The id of a conversion."""
    return ids.conversion_id(trigger.family, reference)


def sale(reference: str, minutes: float, amount: int | None = 10_000, **fields: Any) -> Given:
    """An order, told with a secret key; `token=(code, click id, minutes)`."""
    heard = fields.pop("heard", None)
    trigger = fields.pop("trigger", Trigger.PURCHASE)
    token = fields.pop("token", None)
    source = fields.pop("source", "shop")
    currency = fields.pop("currency", "EUR" if amount is not None else None)
    told = t.ConversionRecorded(
        conversion_id=conversion_id(reference, trigger),
        trigger=trigger,
        family=trigger.family,
        reference=reference,
        amount_minor=amount,
        currency=currency,
        visitor_id=fields.pop("visitor", "v1"),
        customer_id=fields.pop("customer", None),
        email_hash=fields.pop("email", None),
        token=t.CarriedToken(code=token[0], click_id=token[1], clicked_at=at(token[2]))
        if token
        else None,
        market_id=fields.pop("market_id", "eu"),
        consent=_consent(ConsentState.UNKNOWN),
        trust=fields.pop("trust", Trust.SECRET),
        occurred_at=at(minutes),
        received_at=at(minutes if heard is None else heard),
        **fields,
    )
    moment = at(minutes if heard is None else heard)
    return event(told, at=moment, source=source, traceparent=TRACE)


def refund(reference: str, minutes: float, amount: int | None = None, **fields: Any) -> Given:
    """A refund of an order; without an amount, of all of it."""
    refund_id = fields.pop("refund_id", f"{reference}/{minutes}/{amount}")
    told = t.ConversionReversed(
        conversion_id=conversion_id(reference),
        reversal_id=ids.reversal_id(conversion_id(reference), refund_id),
        amount_minor=amount,
        currency=fields.pop("currency", "EUR" if amount is not None else None),
        trust=fields.pop("trust", Trust.SECRET),
        market_id="eu",
        occurred_at=at(minutes),
        received_at=at(minutes),
    )
    return _given(told, minutes, None)


def lead_record(record_id: str, minutes: float, stage: ReferralStage, **fields: Any) -> Given:
    """A lead as the CRM sees it."""
    told = crm.LeadChanged(
        record_id=record_id,
        connector="crm",
        changed_at=at(minutes),
        stage=stage,
        market_id="eu",
        **fields,
    )
    return event(told, at=at(minutes), source="crm")


def deal(record_id: str, minutes: float, stage: ReferralStage, **fields: Any) -> Given:
    """An opportunity as the CRM sees it."""
    told = crm.OpportunityChanged(
        record_id=record_id,
        connector="crm",
        changed_at=at(minutes),
        stage=stage,
        market_id="eu",
        **fields,
    )
    return event(told, at=at(minutes), source="crm")
