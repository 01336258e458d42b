"""What was told of conversions: reports, refunds, and the CRM's records. Immutable facts."""

from collections.abc import Iterable, Mapping, Set

from asyncpg import Record as Row
from service_kit.transaction import Transaction
from shared_schemas.states import ReferralStage
from shared_schemas.words import Trigger

from ..domain.values import SEPARATOR, Heard, Identifier, Record, Report, Reversal
from .rows import columns, in_order

_COLUMNS = """ce_source, ce_id, conversion_id, heard_at, trusted, trigger, family, reference,
    amount_minor, currency, product, market_id, occurred_at, code, click_id, click_code,
    clicked_at, consented, trace_id"""


async def save_reports(tx: Transaction, reports: Iterable[Report]) -> set[Heard]:
    """Add reports. Returns those that are new, by when and as what they were heard."""
    rows = {report.heard[1:]: report for report in reports}
    if not rows:
        return set()
    new = await tx.fetch(
        f"""
        INSERT INTO reports ({_COLUMNS}, identifiers)
        SELECT {_COLUMNS}, string_to_array(names, chr(31))
          FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[],
                      $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::text[],
                      $12::text[], $13::timestamptz[], $14::text[], $15::text[], $16::text[],
                      $17::timestamptz[], $18::boolean[], $19::text[], $20::text[])
            AS r ({_COLUMNS}, names)
            ON CONFLICT DO NOTHING
        RETURNING heard_at, ce_source, ce_id
        """,  # noqa: S608 - our own constants
        *columns(
            rows.values(),
            lambda r: r.heard.source,
            lambda r: r.heard.event_id,
            lambda r: r.conversion_id,
            lambda r: r.heard.at,
            lambda r: r.trusted,
            lambda r: r.trigger,
            lambda r: r.family,
            lambda r: r.reference,
            lambda r: r.amount_minor,
            lambda r: r.currency,
            lambda r: r.product,
            lambda r: r.market_id,
            lambda r: r.occurred_at,
            lambda r: r.code,
            lambda r: r.click_id,
            lambda r: r.click_code,
            lambda r: r.clicked_at,
            lambda r: r.consented,
            lambda r: r.trace_id,
            lambda r: SEPARATOR.join(r.identifiers),
        ),
    )
    return {Heard(row["heard_at"], row["ce_source"], row["ce_id"]) for row in new}


async def save_who_converted(tx: Transaction, reports: Iterable[Report]) -> None:
    """Make conversions findable by everybody whom their reports name."""
    pairs = sorted({(name, r.conversion_id) for r in reports for name in r.identifiers})
    if pairs:
        await tx.execute(
            """
            INSERT INTO conversion_identifiers (identifier, conversion_id)
            SELECT identifier, conversion_id
              FROM unnest($1::text[], $2::text[]) AS c (identifier, conversion_id)
                ON CONFLICT DO NOTHING
            """,
            *columns(pairs, lambda p: p[0], lambda p: p[1]),
        )


async def reports_of(tx: Transaction, conversion_ids: Iterable[str]) -> dict[str, list[Report]]:
    """All reports of some conversions."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS}, identifiers FROM reports WHERE conversion_id = ANY($1::text[])",  # noqa: S608
        in_order(conversion_ids),
    )
    found: dict[str, list[Report]] = {}
    for row in rows:
        found.setdefault(row["conversion_id"], []).append(_report(row))
    return found


def _report(row: Row) -> Report:
    return Report(
        conversion_id=row["conversion_id"],
        heard=Heard(row["heard_at"], row["ce_source"], row["ce_id"]),
        trusted=row["trusted"],
        trigger=Trigger(row["trigger"]),
        family=row["family"],
        reference=row["reference"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        identifiers=tuple(row["identifiers"]),
        product=row["product"],
        market_id=row["market_id"],
        occurred_at=row["occurred_at"],
        code=row["code"],
        click_id=row["click_id"],
        click_code=row["click_code"],
        clicked_at=row["clicked_at"],
        consented=row["consented"],
        trace_id=row["trace_id"],
    )


async def save_reversals(tx: Transaction, reversals: Iterable[Reversal]) -> set[str]:
    """Add refunds; of one told twice the first that was heard stays. Returns what changed."""
    rows: dict[str, Reversal] = {}
    for reversal in reversals:
        known = rows.get(reversal.reversal_id, reversal)
        rows[reversal.reversal_id] = min(known, reversal, key=lambda r: r.heard)
    if not rows:
        return set()
    changed = await tx.fetch(
        """
        INSERT INTO reversals AS known (reversal_id, conversion_id, heard_at, ce_source, ce_id,
                                        trusted, amount_minor, currency)
        SELECT *
          FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[],
                      $6::boolean[], $7::bigint[], $8::text[])
            ON CONFLICT (reversal_id) DO UPDATE
           SET heard_at = EXCLUDED.heard_at, ce_source = EXCLUDED.ce_source,
               ce_id = EXCLUDED.ce_id, trusted = EXCLUDED.trusted,
               amount_minor = EXCLUDED.amount_minor, currency = EXCLUDED.currency
         WHERE (EXCLUDED.heard_at, EXCLUDED.ce_source, EXCLUDED.ce_id)
               < (known.heard_at, known.ce_source, known.ce_id)
        RETURNING reversal_id
        """,
        *columns(
            sorted(rows.values(), key=lambda r: r.reversal_id),
            lambda r: r.reversal_id,
            lambda r: r.conversion_id,
            lambda r: r.heard.at,
            lambda r: r.heard.source,
            lambda r: r.heard.event_id,
            lambda r: r.trusted,
            lambda r: r.amount_minor,
            lambda r: r.currency,
        ),
    )
    return {row["reversal_id"] for row in changed}


async def reversals_of(tx: Transaction, conversion_ids: Iterable[str]) -> dict[str, list[Reversal]]:
    """All refunds of some conversions."""
    rows = await tx.fetch(
        """
        SELECT reversal_id, conversion_id, heard_at, ce_source, ce_id, trusted, amount_minor,
               currency
          FROM reversals
         WHERE conversion_id = ANY($1::text[])
        """,
        in_order(conversion_ids),
    )
    found: dict[str, list[Reversal]] = {}
    for row in rows:
        found.setdefault(row["conversion_id"], []).append(
            Reversal(
                reversal_id=row["reversal_id"],
                conversion_id=row["conversion_id"],
                heard=Heard(row["heard_at"], row["ce_source"], row["ce_id"]),
                trusted=row["trusted"],
                amount_minor=row["amount_minor"],
                currency=row["currency"],
            )
        )
    return found


async def save_records(tx: Transaction, records: Iterable[Record]) -> set[Identifier]:
    """Keep the latest state of each CRM record. Returns those that changed."""
    rows: dict[Identifier, Record] = {}
    for record in records:
        known = rows.get(record.identifier, record)
        rows[record.identifier] = max(known, record, key=lambda r: (r.changed_at, r.heard))
    if not rows:
        return set()
    changed = await tx.fetch(
        """
        INSERT INTO records AS known (identifier, record_id, stage, changed_at, heard_at, ce_source,
                                      ce_id)
        SELECT *
          FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[],
                      $6::text[], $7::text[])
            ON CONFLICT (identifier) DO UPDATE
           SET stage = EXCLUDED.stage, changed_at = EXCLUDED.changed_at,
               heard_at = EXCLUDED.heard_at, ce_source = EXCLUDED.ce_source, ce_id = EXCLUDED.ce_id
         WHERE (EXCLUDED.changed_at, EXCLUDED.heard_at, EXCLUDED.ce_source, EXCLUDED.ce_id)
               > (known.changed_at, known.heard_at, known.ce_source, known.ce_id)
        RETURNING identifier
        """,
        *columns(
            sorted(rows.values(), key=lambda r: r.identifier),
            lambda r: r.identifier,
            lambda r: r.record_id,
            lambda r: r.stage,
            lambda r: r.changed_at,
            lambda r: r.heard.at,
            lambda r: r.heard.source,
            lambda r: r.heard.event_id,
        ),
    )
    return {row["identifier"] for row in changed}


async def records_of(tx: Transaction, members: Set[Identifier]) -> Mapping[Identifier, Record]:
    """The CRM records among some identifiers."""
    names = [name for name in in_order(members) if name.startswith("record:")]
    if not names:
        return {}
    rows = await tx.fetch(
        """
        SELECT identifier, record_id, stage, changed_at, heard_at, ce_source, ce_id
          FROM records WHERE identifier = ANY($1::text[])
        """,
        names,
    )
    return {
        row["identifier"]: Record(
            identifier=row["identifier"],
            record_id=row["record_id"],
            stage=ReferralStage(row["stage"]),
            changed_at=row["changed_at"],
            heard=Heard(row["heard_at"], row["ce_source"], row["ce_id"]),
        )
        for row in rows
    }
