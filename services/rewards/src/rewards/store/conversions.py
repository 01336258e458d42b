"""Conversions: locked in id order before anything about them is read."""

import json
from collections.abc import Iterable, Sequence

import asyncpg
from service_kit.transaction import Transaction
from shared_schemas.states import ConversionState, VerdictState
from shared_schemas.words import Group, Trigger

from ..domain.values import Conversion, Credit, Share, Verdict, exact
from .rows import Rows

_ROWS = Rows(
    "conversions",
    {
        "conversion_id": "text",
        "credit_revision": "integer",
        "state": "text",
        "trigger": "text",
        "amount_minor": "bigint",
        "refunded_minor": "bigint",
        "currency": "text",
        "referee_id": "text",
        "occurred_at": "timestamptz",
        "first_reported_at": "timestamptz",
        "shares": "text",
        "verdict_credit_revision": "integer",
        "verdict_revision": "integer",
        "verdict_state": "text",
        "verdict_line": "text",
        "hold_ends_at": "timestamptz",
        "hold_ended_at": "timestamptz",
        "expires_at": "timestamptz",
        "resolved_at": "timestamptz",
        "frozen_minor": "bigint",
        "frozen_refunded_minor": "bigint",
        "frozen_currency": "text",
    },
)
_VERDICTS = Rows(
    "conversions",
    {
        "conversion_id": "text",
        "verdict_credit_revision": "integer",
        "verdict_revision": "integer",
        "verdict_state": "text",
        "verdict_line": "text",
    },
)

# The update changes nothing: it is what locks the row, or makes it, and reads its newest version.
_LOCK = f"""
INSERT INTO conversions (conversion_id)
SELECT id FROM unnest($1::text[]) AS wanted (id) ORDER BY id
    ON CONFLICT (conversion_id) DO UPDATE SET conversion_id = excluded.conversion_id
RETURNING {", ".join(_ROWS.columns)}
"""  # noqa: S608, names are constants


async def lock(tx: Transaction, conversion_ids: Iterable[str]) -> dict[str, Conversion]:
    """The conversions, locked in id order; unknown ones are made, empty."""
    wanted = sorted(set(conversion_ids))
    if not wanted:
        return {}
    return {row["conversion_id"]: _conversion(row) for row in await tx.fetch(_LOCK, wanted)}


async def save(tx: Transaction, conversions: Sequence[Conversion]) -> None:
    """Write conversions that are locked."""
    await _ROWS.update(tx, [_row(conversion) for conversion in conversions])


async def save_verdicts(tx: Transaction, conversions: Sequence[Conversion]) -> None:
    """Write the verdicts of conversions of which nothing else has changed."""
    await _VERDICTS.update(tx, [(c.conversion_id, *_verdict_row(c.verdict)) for c in conversions])


def _row(conversion: Conversion) -> tuple[object, ...]:
    credit = conversion.credit
    return (
        conversion.conversion_id,
        *(_credit_row(credit) if credit is not None else (None,) * 10),
        *_verdict_row(conversion.verdict),
        conversion.hold_ends_at,
        conversion.hold_ended_at,
        conversion.expires_at,
        conversion.resolved_at,
        conversion.frozen_minor,
        conversion.frozen_refunded_minor,
        conversion.frozen_currency,
    )


def _verdict_row(verdict: Verdict | None) -> tuple[object, ...]:
    if verdict is None:
        return (None,) * 4
    return (verdict.credit_revision, verdict.revision, verdict.state, verdict.line)


def _credit_row(credit: Credit) -> tuple[object, ...]:
    return (
        credit.revision,
        credit.state,
        credit.trigger,
        credit.amount_minor,
        credit.refunded_minor,
        credit.currency,
        credit.referee_id,
        credit.occurred_at,
        credit.first_reported_at,
        json.dumps([_share_row(share) for share in credit.shares]),
    )


def _share_row(share: Share) -> tuple[object, ...]:
    return (
        share.participant_id,
        share.group,
        share.program_id,
        share.program_version,
        share.market_id,
        share.referral_id,
        str(share.weight),
        share.amount_minor,
    )


def _conversion(row: asyncpg.Record) -> Conversion:
    return Conversion(
        conversion_id=row["conversion_id"],
        credit=_credit(row) if row["credit_revision"] is not None else None,
        verdict=_verdict(row) if row["verdict_revision"] is not None else None,
        hold_ends_at=row["hold_ends_at"],
        hold_ended_at=row["hold_ended_at"],
        expires_at=row["expires_at"],
        resolved_at=row["resolved_at"],
        frozen_minor=row["frozen_minor"],
        frozen_refunded_minor=row["frozen_refunded_minor"],
        frozen_currency=row["frozen_currency"],
    )


def _verdict(row: asyncpg.Record) -> Verdict:
    return Verdict(
        credit_revision=row["verdict_credit_revision"],
        revision=row["verdict_revision"],
        state=VerdictState(row["verdict_state"]),
        line=row["verdict_line"],
    )


def _credit(row: asyncpg.Record) -> Credit:
    return Credit(
        revision=row["credit_revision"],
        state=ConversionState(row["state"]),
        trigger=Trigger(row["trigger"]),
        amount_minor=row["amount_minor"],
        refunded_minor=row["refunded_minor"],
        currency=row["currency"],
        referee_id=row["referee_id"],
        occurred_at=row["occurred_at"],
        first_reported_at=row["first_reported_at"],
        shares=tuple(_share(*share) for share in json.loads(row["shares"])),
    )


def _share(*values: object) -> Share:
    participant_id, group, program_id, version, market_id, referral_id, weight, amount = values
    return Share(
        participant_id=str(participant_id),
        group=Group(str(group)),
        program_id=str(program_id),
        program_version=int(str(version)),
        market_id=str(market_id),
        referral_id=str(referral_id),
        weight=exact(str(weight)),
        amount_minor=int(str(amount)),
    )
