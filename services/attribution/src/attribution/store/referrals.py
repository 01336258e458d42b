"""Referrals, found by the identifiers of their persons."""

from collections.abc import Iterable, Set

from asyncpg import Record as Row
from service_kit.transaction import Transaction
from shared_schemas.states import ReferralStage
from shared_schemas.words import Group, TouchKind

from ..domain.referrals import Referral
from ..domain.values import SEPARATOR, Identifier
from .rows import columns, in_order

_COLUMNS = """referral_id, revision, program_id, participant_id, identifier, participant_group,
    market_id, stage, origin, opened_at, last_at, changed_at, reason, silent"""


async def lock_referrals(
    tx: Transaction, members: Set[Identifier], referral_ids: Iterable[str] = ()
) -> list[Referral]:
    """The referrals of persons, and some by their ids, locked in the order of their ids."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS}, record_ids, sale_ids, other_ids FROM referrals
         WHERE referral_id = ANY(
                $2::text[]
                || ARRAY(SELECT referral_id FROM referrals WHERE identifier = ANY($1::text[])))
         ORDER BY referral_id
           FOR UPDATE
        """,  # noqa: S608 - our own constants
        in_order(members),
        in_order(referral_ids),
    )
    return [_referral(row) for row in rows]


async def referrals_by_id(tx: Transaction, referral_ids: Iterable[str]) -> list[Referral]:
    """Some referrals, not locked."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS}, record_ids, sale_ids, other_ids FROM referrals
         WHERE referral_id = ANY($1::text[])
        """,  # noqa: S608
        in_order(referral_ids),
    )
    return [_referral(row) for row in rows]


async def who_was_referred(tx: Transaction, referral_ids: Iterable[str]) -> set[Identifier]:
    """The identifiers by which some referrals are their persons'."""
    rows = await tx.fetch(
        "SELECT identifier FROM referrals WHERE referral_id = ANY($1::text[])",
        in_order(referral_ids),
    )
    return {row["identifier"] for row in rows}


async def save_referrals(tx: Transaction, referrals: Iterable[Referral]) -> None:
    """Write referrals as they now are; closed ones first, since a pair has one open."""
    rows = sorted(referrals, key=lambda r: (r.is_open, r.referral_id))
    if not rows:
        return
    await tx.execute(
        f"""
        INSERT INTO referrals ({_COLUMNS}, record_ids, sale_ids, other_ids)
        SELECT {_COLUMNS}, string_to_array(records, chr(31)), string_to_array(sales, chr(31)),
               string_to_array(others, chr(31))
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[],
                      $7::text[], $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[],
                      $12::timestamptz[], $13::text[], $14::boolean[], $15::text[], $16::text[],
                      $17::text[])
            AS r ({_COLUMNS}, records, sales, others)
            ON CONFLICT (referral_id) DO UPDATE
           SET revision = EXCLUDED.revision, participant_group = EXCLUDED.participant_group,
               market_id = EXCLUDED.market_id, stage = EXCLUDED.stage, origin = EXCLUDED.origin,
               opened_at = EXCLUDED.opened_at, last_at = EXCLUDED.last_at,
               changed_at = EXCLUDED.changed_at, reason = EXCLUDED.reason,
               silent = EXCLUDED.silent, record_ids = EXCLUDED.record_ids,
               sale_ids = EXCLUDED.sale_ids, other_ids = EXCLUDED.other_ids
        """,  # noqa: S608
        *columns(
            rows,
            lambda r: r.referral_id,
            lambda r: r.revision,
            lambda r: r.program_id,
            lambda r: r.participant_id,
            lambda r: r.identifier,
            lambda r: r.group,
            lambda r: r.market_id,
            lambda r: r.stage,
            lambda r: r.origin,
            lambda r: r.opened_at,
            lambda r: r.last_at,
            lambda r: r.changed_at,
            lambda r: r.reason,
            lambda r: r.silent,
            lambda r: SEPARATOR.join(r.record_ids),
            lambda r: SEPARATOR.join(r.sale_ids),
            lambda r: SEPARATOR.join(r.other_ids),
        ),
    )


def _referral(row: Row) -> Referral:
    return Referral(
        referral_id=row["referral_id"],
        revision=row["revision"],
        program_id=row["program_id"],
        participant_id=row["participant_id"],
        identifier=row["identifier"],
        group=Group(row["participant_group"]),
        market_id=row["market_id"],
        stage=ReferralStage(row["stage"]),
        origin=TouchKind(row["origin"]),
        opened_at=row["opened_at"],
        last_at=row["last_at"],
        changed_at=row["changed_at"],
        reason=row["reason"],
        record_ids=tuple(row["record_ids"]),
        sale_ids=tuple(row["sale_ids"]),
        other_ids=tuple(row["other_ids"]),
        silent=row["silent"],
    )
