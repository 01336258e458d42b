"""The verdict that stands for each conversion, and every verdict ever given."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from asyncpg import Record
from msgspec import Struct
from service_kit.transaction import Transaction
from shared_schemas.events.fraud import Contribution, CreditJudged
from shared_schemas.states import VerdictState

from ..domain.credit import Policy
from ..domain.verdict import Decision, Review, Standing


class Given(Struct, frozen=True, kw_only=True):
    """A verdict as it is published, what it stands on, and what caused it: (source, event id)."""

    verdict: CreditJudged
    standing: Standing
    policy: Policy
    cause: tuple[str, str]


async def lock(tx: Transaction, conversion_ids: Iterable[str]) -> dict[str, Standing]:
    """Lock and read what stands for those of these conversions that are credited; their facts
    are read after this."""
    wanted = sorted(set(conversion_ids))
    await tx.execute(
        """
        INSERT INTO judgements AS known (conversion_id)
        SELECT conversion_id
          FROM conversions
         WHERE conversion_id = ANY($1::text[]) AND program_ids <> '{}'
         ORDER BY conversion_id
            ON CONFLICT (conversion_id) DO UPDATE
           SET conversion_id = excluded.conversion_id WHERE false  -- locks the row
        """,
        wanted,
    )
    rows = await tx.fetch(
        """
        SELECT j.conversion_id, j.credit_revision, j.verdict_revision, j.state, j.substance,
               j.judged_at, j.review_decision, j.review_by, j.review_reason, j.review_names
          FROM judgements AS j
          JOIN conversions AS c ON c.conversion_id = j.conversion_id AND c.program_ids <> '{}'
         WHERE j.conversion_id = ANY($1::text[])
        """,
        wanted,
    )
    return {row["conversion_id"]: _standing(row) for row in rows}


async def save_standings(tx: Transaction, standings: Sequence[Standing]) -> None:
    """Keep what stands now; the caller holds the locks."""
    if not standings:
        return
    reviews = [standing.review for standing in standings]
    await tx.execute(
        """
        UPDATE judgements
           SET credit_revision = new.credit_revision,
               verdict_revision = new.verdict_revision,
               state = new.state,
               substance = new.substance,
               judged_at = new.judged_at,
               review_decision = new.review_decision,
               review_by = new.review_by,
               review_reason = new.review_reason,
               review_names = string_to_array(new.review_names, ' ')
          FROM unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::text[],
                      $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::text[])
            AS new (conversion_id, credit_revision, verdict_revision, state, substance,
                    judged_at, review_decision, review_by, review_reason, review_names)
         WHERE judgements.conversion_id = new.conversion_id
        """,
        [standing.conversion_id for standing in standings],
        [standing.credit_revision for standing in standings],
        [standing.verdict_revision for standing in standings],
        [standing.state for standing in standings],
        [standing.substance for standing in standings],
        [standing.judged_at for standing in standings],
        [review.decision if review else None for review in reviews],
        [review.reviewer if review else None for review in reviews],
        [review.reason if review else None for review in reviews],
        [" ".join(sorted(review.names)) if review else "" for review in reviews],
    )


async def add(tx: Transaction, given: Sequence[Given]) -> None:
    """Add verdicts to the history."""
    if not given:
        return
    verdicts = [one.verdict for one in given]
    await tx.execute(
        """
        INSERT INTO verdicts
               (conversion_id, verdict_revision, credit_revision, state, score, contributions,
                rules_version, program_id, program_version, hold_score, reject_score, judged_at,
                reviewer, review_due_at, next_step, cause_source, cause_id)
        SELECT conversion_id, verdict_revision, credit_revision, state, score,
               contributions::jsonb, rules_version, program_id, program_version, hold_score,
               reject_score, judged_at, reviewer, review_due_at, next_step, cause_source, cause_id
          FROM unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::integer[],
                      $6::text[], $7::text[], $8::text[], $9::integer[], $10::integer[],
                      $11::integer[], $12::timestamptz[], $13::text[], $14::timestamptz[],
                      $15::text[], $16::text[], $17::text[])
            AS new (conversion_id, verdict_revision, credit_revision, state, score,
                    contributions, rules_version, program_id, program_version, hold_score,
                    reject_score, judged_at, reviewer, review_due_at, next_step, cause_source,
                    cause_id)
        """,
        [verdict.conversion_id for verdict in verdicts],
        [verdict.verdict_revision for verdict in verdicts],
        [verdict.credit_revision for verdict in verdicts],
        [verdict.state for verdict in verdicts],
        [verdict.score for verdict in verdicts],
        [_contributions_json(verdict.contributions) for verdict in verdicts],
        [verdict.rules_version for verdict in verdicts],
        [one.policy.program_id for one in given],
        [one.policy.version for one in given],
        [one.policy.fraud.hold_score for one in given],
        [one.policy.fraud.reject_score for one in given],
        [verdict.judged_at for verdict in verdicts],
        [verdict.reviewer for verdict in verdicts],
        [verdict.review_due_at for verdict in verdicts],
        [verdict.next_step for verdict in verdicts],
        [one.cause[0] for one in given],
        [one.cause[1] for one in given],
    )


class Told(Struct, frozen=True, kw_only=True):
    """A verdict of the history, with the policy and the event that it followed from."""

    conversion_id: str
    verdict_revision: int
    credit_revision: int
    state: VerdictState
    score: int
    contributions: tuple[Contribution, ...]
    rules_version: str
    program_id: str
    program_version: int
    hold_score: int
    reject_score: int
    judged_at: datetime
    reviewer: str | None
    review_due_at: datetime | None
    next_step: str
    cause_source: str
    cause_id: str


_TOLD = """v.conversion_id, v.verdict_revision, v.credit_revision, v.state, v.score,
    v.contributions::text AS contributions, v.rules_version, v.program_id, v.program_version,
    v.hold_score, v.reject_score, v.judged_at, v.reviewer, v.review_due_at, v.next_step,
    v.cause_source, v.cause_id"""


async def history(tx: Transaction, conversion_id: str, limit: int) -> list[Told]:
    """The verdicts on a conversion, the latest first."""
    rows = await tx.fetch(
        f"""
        SELECT {_TOLD}
          FROM verdicts AS v
         WHERE v.conversion_id = $1
         ORDER BY v.verdict_revision DESC
         LIMIT $2
        """,  # noqa: S608 - the columns are ours
        conversion_id,
        limit,
    )
    return [_told(row) for row in rows]


async def queue(tx: Transaction, after: tuple[datetime, str] | None, limit: int) -> list[Told]:
    """The verdicts that wait for a review, the longest waiting first, after (time, conversion)."""
    rows = await tx.fetch(
        f"""
        SELECT {_TOLD}
          FROM judgements AS j
          JOIN verdicts AS v
            ON v.conversion_id = j.conversion_id AND v.verdict_revision = j.verdict_revision
          JOIN conversions AS c
            ON c.conversion_id = j.conversion_id AND cardinality(c.program_ids) > 0
         WHERE j.state = 'held'
           AND ($1::timestamptz IS NULL OR (j.judged_at, j.conversion_id) > ($1, $2))
         ORDER BY j.judged_at, j.conversion_id
         LIMIT $3
        """,  # noqa: S608 - the columns are ours
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )
    return [_told(row) for row in rows]


def _standing(row: Record) -> Standing:
    return Standing(
        conversion_id=row["conversion_id"],
        credit_revision=row["credit_revision"],
        verdict_revision=row["verdict_revision"],
        state=VerdictState(row["state"]) if row["state"] else None,
        substance=row["substance"],
        judged_at=row["judged_at"],
        review=_review(row) if row["review_decision"] else None,
    )


def _review(row: Record) -> Review:
    return Review(
        decision=Decision(row["review_decision"]),
        reviewer=row["review_by"],
        reason=row["review_reason"],
        names=frozenset(row["review_names"]),
    )


def _told(row: Record) -> Told:
    contributions = json.loads(row["contributions"])
    return Told(
        **{
            **dict(row),
            "state": VerdictState(row["state"]),
            "contributions": tuple(Contribution.model_validate(one) for one in contributions),
        }
    )


def _contributions_json(contributions: Iterable[Contribution]) -> str:
    return json.dumps([one.model_dump(mode="json") for one in contributions])
