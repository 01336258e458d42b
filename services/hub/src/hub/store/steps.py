"""Steps and documents: what was heard, each revision once, and the newest of each."""

import json
from collections.abc import Sequence

from service_kit.transaction import Transaction

from ..domain.steps import Step

_STEPS = """
INSERT INTO steps (kind, id, revision, type, at, body, conversion_id, trace_id)
SELECT kind, id, revision, type, at, body, conversion_id, trace_id
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[],
              $6::jsonb[], $7::text[], $8::text[])
       AS new (kind, id, revision, type, at, body, conversion_id, trace_id)
 ORDER BY kind, id, revision
    ON CONFLICT DO NOTHING
"""

# Locked in key order by the upsert itself; only a higher revision replaces.
_DOCUMENTS = """
INSERT INTO documents AS old
       (kind, id, revision, type, at, body, state, conversion_id, participant_ids)
SELECT kind, id, revision, type, at, body, state, conversion_id,
       ARRAY(SELECT jsonb_array_elements_text(people))
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[],
              $6::jsonb[], $7::text[], $8::text[], $9::jsonb[])
       AS new (kind, id, revision, type, at, body, state, conversion_id, people)
 ORDER BY kind, id
    ON CONFLICT (kind, id) DO UPDATE
   SET revision = EXCLUDED.revision, type = EXCLUDED.type, at = EXCLUDED.at,
       body = EXCLUDED.body, state = EXCLUDED.state, conversion_id = EXCLUDED.conversion_id,
       participant_ids = EXCLUDED.participant_ids
 WHERE old.revision < EXCLUDED.revision
"""


async def save(tx: Transaction, steps: Sequence[Step]) -> None:
    """Keep each step once, and the newest of each thing as its document. Two statements."""
    if not steps:
        return
    await tx.execute(
        _STEPS,
        [step.kind for step in steps],
        [step.id for step in steps],
        [step.revision for step in steps],
        [step.type for step in steps],
        [step.at for step in steps],
        [step.body for step in steps],
        [step.conversion_id for step in steps],
        [step.trace_id for step in steps],
    )
    newest = list(_newest(steps).values())
    await tx.execute(
        _DOCUMENTS,
        [step.kind for step in newest],
        [step.id for step in newest],
        [step.revision for step in newest],
        [step.type for step in newest],
        [step.at for step in newest],
        [step.body for step in newest],
        [step.state for step in newest],
        [step.conversion_id for step in newest],
        [json.dumps(step.participant_ids) for step in newest],
    )


def _newest(steps: Sequence[Step]) -> dict[tuple[str, str], Step]:
    newest: dict[tuple[str, str], Step] = {}
    for step in steps:
        known = newest.get((step.kind, step.id))
        if known is None or known.revision < step.revision:
            newest[step.kind, step.id] = step
    return newest
