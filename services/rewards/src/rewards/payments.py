"""Executes payouts: claim, ask or pay outside any transaction, record. Runs as the kit's loop.

Attempts are counted when a payout is claimed. So a second claim means that the first worker may
have reached the provider: it is asked before anything is sent again, and always under one key.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx
import structlog
from msgspec import Struct
from msgspec.structs import replace
from service_kit import metrics
from service_kit.crash import crash_point
from service_kit.events import Cause
from service_kit.runtime import Runtime
from service_kit.telemetry import current_traceparent
from service_kit.transaction import Transaction
from shared_schemas.states import PayoutState
from shared_schemas.words import Rail as RailName

from .domain.outcome import Desk, noted
from .domain.paying import Answer, Word, ask_again_after, hear_provider, unsure, weigh
from .handlers.cases import open_work
from .rails import Rail
from .rails.account_credit import AccountCredit
from .rails.webhook import NotConfigured, Webhook, explain
from .settings import RewardsSettings, signing_key
from .store import conversions, payouts
from .store.payouts import Intent

log = structlog.stdlib.get_logger(__name__)
Rails = Mapping[RailName, Rail]
PENDING_WITHIN = timedelta(seconds=30)
answers_heard = metrics.counter("payout_answers", "Payout attempts by outcome", "rail", "word")


class Attempt(Struct, frozen=True):
    """A payout that was executed, what the provider said, and the span in which it did."""

    intent: Intent
    answer: Answer
    traceparent: str | None


async def run(runtime: Runtime[RewardsSettings], stop: asyncio.Event) -> None:
    """Execute payouts until told to stop."""
    async with open_rails(runtime) as rails:
        while not stop.is_set():
            if await execute_due(runtime, rails) == 0:
                await _pause(stop, runtime.settings.payout_poll_seconds)


async def pending(runtime: Runtime[RewardsSettings]) -> int:
    """How many payouts are in hand: open, and to be tried within half a minute."""
    async with runtime.transaction() as tx:
        return await payouts.pending(tx, runtime.now() + PENDING_WITHIN)


@asynccontextmanager
async def open_rails(runtime: Runtime[RewardsSettings]) -> AsyncIterator[Rails]:
    """The rails of this deployment."""
    settings = runtime.settings
    async with httpx.AsyncClient(
        timeout=settings.rail_timeout_seconds, follow_redirects=False, trust_env=False
    ) as client:
        webhook: Rail = NotConfigured()
        if settings.payout_url is not None and settings.payout_secret is not None:
            webhook = Webhook(
                client,
                settings.payout_url,
                signing_key(settings.payout_secret),
                allow_loopback=settings.allow_loopback,
            )
        yield {RailName.ACCOUNT_CREDIT: AccountCredit(runtime), RailName.WEBHOOK: webhook}


async def execute_due(runtime: Runtime[RewardsSettings], rails: Rails) -> int:
    """Execute the payouts that are due now. Returns how many."""
    settings = runtime.settings
    lease = timedelta(seconds=settings.payout_lease_seconds)
    async with runtime.transaction(step="claim_payouts") as tx:
        intents = await payouts.claim(tx, runtime.now(), lease, settings.payout_max_rows)
    if not intents:
        return 0
    crash_point("before_pay")
    attempts = await asyncio.gather(*(_execute(runtime, rails, intent) for intent in intents))
    crash_point("after_pay_before_record")
    async with runtime.transaction(step="record_payouts") as tx:
        await record(tx, runtime, attempts)
    return len(intents)


async def record(
    tx: Transaction, runtime: Runtime[RewardsSettings], attempts: Sequence[Attempt]
) -> None:
    """Write what the providers said: settled, failed for good, or unknown and asked again."""
    settings, now = runtime.settings, runtime.now()
    ids = {attempt.intent.payout.conversion_id for attempt in attempts}
    work = await open_work(tx, await conversions.lock(tx, ids), ids)
    current = await payouts.locked(tx, [attempt.intent.payout.payout_id for attempt in attempts])
    work.know(current.values())
    for attempt in attempts:
        intent = current[attempt.intent.payout.payout_id]
        payout, cause = intent.payout, _cause(attempt, now)
        answer = weigh(payout, attempt.answer)
        if answer.word in (Word.SETTLED, Word.FAILED):
            _warn_of_contradiction(intent, answer)
            steps = hear_provider(work.cases[payout.conversion_id], payout, answer, now)
            work.take(noted(work.cases[payout.conversion_id], steps, Desk()), cause)
            continue
        if payout.state in (PayoutState.SETTLED, PayoutState.FAILED):
            continue  # another worker heard more
        pause = ask_again_after(
            payout.attempts, settings.payout_retry_min_seconds, settings.payout_retry_max_seconds
        )
        work.reschedule(replace(intent, due_at=now + pause), unsure(payout, answer, now), cause)
    await work.save()


async def _execute(runtime: Runtime[RewardsSettings], rails: Rails, intent: Intent) -> Attempt:
    payout = intent.payout
    with runtime.telemetry.span("payout", parent=intent.traceparent, rail=payout.rail.value):
        traceparent = current_traceparent()
        try:
            answer = await _ask_or_pay(rails[payout.rail], intent, runtime.settings)
        except Exception as error:
            log.warning("payout unknown", payout_id=payout.payout_id, error=type(error).__name__)
            answer = Answer(word=Word.UNKNOWN, reason=explain(error))
    answers_heard(payout.rail.value, answer.word.value).inc()
    return Attempt(intent, answer, traceparent)


async def _ask_or_pay(rail: Rail, intent: Intent, settings: RewardsSettings) -> Answer:
    payout = intent.payout
    if payout.attempts > 1:
        async with asyncio.timeout(settings.rail_timeout_seconds):
            answer = await rail.ask(payout.payout_id)
        if answer.word is not Word.NEVER_HEARD:
            return answer
    async with asyncio.timeout(settings.rail_timeout_seconds):
        return await rail.pay(payout)


def _cause(attempt: Attempt, now: datetime) -> Cause:
    payout, word = attempt.intent.payout, attempt.answer.word
    return Cause(
        source="rewards/payouts",
        event_id=f"{payout.payout_id}/{payout.attempts}/{word.value}",
        now=now,
        correlation_id=attempt.intent.correlation_id,
        traceparent=attempt.traceparent,
    )


def _warn_of_contradiction(intent: Intent, answer: Answer) -> None:
    state = intent.payout.state
    final = state in (PayoutState.SETTLED, PayoutState.FAILED)
    if final and state.value != answer.word.value:
        log.error(
            "the provider contradicts itself",
            payout_id=intent.payout.payout_id,
            recorded=state.value,
            says=answer.word.value,
        )


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
