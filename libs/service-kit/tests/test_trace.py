"""One trace from an event to what it caused, through the outbox and through due work."""

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from service_kit.runtime import Runtime
from service_kit.telemetry import Telemetry
from service_kit.testing import Harness, event
from shop import OrderPlaced, shop

pytestmark = pytest.mark.real

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = SAMPLED[:-2] + "00"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def traced(shop_database, spans):
    async with Harness(shop(), shop_database) as harness:
        old = harness.runtime
        telemetry = Telemetry("shop", processor=SimpleSpanProcessor(spans))
        harness.runtime = Runtime(
            old.service, old.settings, telemetry=telemetry, producer=old.producer
        )
        harness.runtime.use_pool(old.pool)
        yield harness


async def test_a_sampled_event_is_a_child_of_its_cause_and_the_parent_of_its_effects(traced, spans):
    await traced.deliver(event(OrderPlaced(order_id="o1"), traceparent=SAMPLED))
    batch, span = spans.get_finished_spans()
    assert [f"{link.context.span_id:016x}" for link in batch.links] == [SAMPLED[36:52]]
    assert f"{span.parent.span_id:016x}" == SAMPLED[36:52]
    [emitted] = traced.emitted()
    assert emitted.traceparent == f"{SAMPLED[:36]}{span.context.span_id:016x}-01"


async def test_an_unsampled_event_makes_no_span_and_its_effects_stay_unsampled(traced, spans):
    await traced.deliver(event(OrderPlaced(order_id="o1"), traceparent=UNSAMPLED))
    assert spans.get_finished_spans() == ()
    assert traced.emitted()[0].traceparent == UNSAMPLED


async def test_a_foreign_event_without_a_trace_begins_one(traced, spans):
    await traced.deliver(event(OrderPlaced(order_id="o1")))
    [span] = spans.get_finished_spans()
    [emitted] = traced.emitted()
    assert emitted.traceparent[3:35] == f"{span.context.trace_id:032x}"


async def test_due_work_starts_a_trace_linked_to_its_cause(traced, spans):
    order = OrderPlaced(order_id="o1", ship_after_seconds=1)
    await traced.deliver(event(order, traceparent=SAMPLED))
    _batch, handled = spans.get_finished_spans()
    spans.clear()
    await traced.fire_due(traced.runtime.now())
    [due] = spans.get_finished_spans()
    assert [link.context.span_id for link in due.links] == [handled.context.span_id]
    assert due.context.trace_id != handled.context.trace_id
    assert traced.emitted()[0].traceparent[3:35] == f"{due.context.trace_id:032x}"
