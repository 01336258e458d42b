"""Whatever the order, however often: the same facts make the same decisions and persons."""

from hypothesis import given as hypothetically
from hypothesis import settings
from hypothesis import strategies as st
from shared_schemas.states import ReferralStage
from shared_schemas.words import AttributionModel, ConsentState, Trust

from .builders import (
    DAY,
    click,
    code_entered,
    deal,
    email,
    linked,
    refund,
    refused,
    sale,
    share,
    unlinked,
)
from .control_plane import control_plane
from .world import World, book

MINUTES = st.integers(min_value=0, max_value=600)
VISITORS = st.sampled_from(["v1", "v2", "v3"])
CUSTOMERS = st.sampled_from(["c1", "c2"])
CODES = st.sampled_from(["ann-1", "ann-2", "bob-1", "cleo-1"])
CLICKS = st.sampled_from(["k1", "k2", "k3", "k4"])
TRUST = st.sampled_from([Trust.SECRET, Trust.PUBLISHABLE])
ORDERS = st.sampled_from(["o1", "o2", "o3"])

# A click's code is its own: tokens are signed.
OF_CLICK = {"k1": "ann-1", "k2": "bob-1", "k3": "cleo-1", "k4": "ann-2"}

EVENTS = st.one_of(
    st.builds(
        lambda c, m, v, late: click(c, m, v, code=OF_CLICK[c], heard=m + late),
        CLICKS,
        MINUTES,
        st.one_of(st.none(), VISITORS),
        st.sampled_from([0, 5, 8 * DAY]),
    ),
    st.builds(lambda c, m, v: share(c, m, v, code=OF_CLICK[c]), CLICKS, MINUTES, VISITORS),
    st.builds(lambda m, v, c: code_entered(m, v, code=c), MINUTES, VISITORS, CODES),
    st.builds(
        lambda m, v, c, tr: linked(m, visitor=v, customer=c, trust=tr),
        MINUTES,
        VISITORS,
        CUSTOMERS,
        TRUST,
    ),
    st.builds(lambda m, c: linked(m, customer=c, email=email("zoe")), MINUTES, CUSTOMERS),
    st.builds(lambda m, v, c: unlinked(m, visitor=v, customer=c), MINUTES, VISITORS, CUSTOMERS),
    st.builds(refused, MINUTES, VISITORS),
    st.builds(
        lambda o, m, v, c, tr, k: sale(
            o,
            m,
            1_001,
            visitor=v,
            customer=c,
            trust=tr,
            source=f"shop-{tr}",
            token=(OF_CLICK[k], k, 0) if k else None,
        ),
        ORDERS,
        MINUTES,
        st.one_of(st.none(), VISITORS),
        st.one_of(st.none(), CUSTOMERS),
        TRUST,
        st.one_of(st.none(), CLICKS),
    ),
    st.builds(lambda o, m: refund(o, m, 300), ORDERS, MINUTES),
    st.builds(
        lambda m, o: deal(
            "d1",
            m,
            ReferralStage.WON,
            amount_minor=1_001,
            currency="EUR",
            order_reference=o,
            customer_id="c2",
        ),
        MINUTES,
        ORDERS,
    ),
    st.just(click("k1", 3, "v1", code="ann-1", consent=ConsentState.GRANTED)),
)


@settings(max_examples=150)
@hypothetically(
    events=st.lists(EVENTS, min_size=1, max_size=14),
    model=st.sampled_from(list(AttributionModel)),
    data=st.data(),
)
def test_any_order_and_any_repetition_gives_the_same_decisions(events, model, data) -> None:
    tables = book(control_plane(model))
    again = data.draw(st.permutations(events + events[::2]))
    one, other = World(tables), World(tables)
    for event in events:
        one.hear(event)
    for event in again:
        other.hear(event)
    assert one.person_of() == other.person_of()
    assert one.decisions() == other.decisions()


@settings(max_examples=150)
@hypothetically(events=st.lists(EVENTS, min_size=1, max_size=14))
def test_money_is_conserved_and_weights_sum_to_one(events) -> None:
    world = World(book(control_plane(AttributionModel.LINEAR)))
    for event in events:
        world.hear(event)
    for decision in world.decisions().values():
        if decision.parts:
            assert sum(part.weight for part in decision.parts) == 1
            assert sum(p.amount_minor for p in decision.parts) == 1_001 - decision.refunded_minor
