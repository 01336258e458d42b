"""The journeys. Each drives public interfaces only, and awaits what it needs before it goes on."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from shared_schemas import ids
from shared_schemas.events.attribution import ConversionCredited
from shared_schemas.events.rewards import RewardChanged, RewardFulfilled, RewardPending

from .crm import Crm
from .people import Browser, Server, Site
from .tape import Tape

OFFICE: Final = "198.51.100.77"
COLLEAGUES: Final = ("one", "two", "three", "four", "five", "six")


@dataclass(frozen=True, slots=True)
class Scene:
    """What every journey plays in: the shop's two sites, its CRM, and ears."""

    us: Site
    eu: Site
    crm: Crm
    tape: Tape

    async def reward_came(self, order_id: str, kind: type[RewardChanged]) -> None:
        """Return once a reward of an order has come so far. Raises NeverHeard."""
        conversion = sale(order_id)
        await self.tape.first(kind, lambda reward: reward.conversion_id == conversion)


def sale(order_id: str) -> str:
    """The conversion that an order is, whoever tells of it."""
    return ids.conversion_id("sale", order_id)


async def two_sided(scene: Scene) -> None:
    """Bob follows Ann's link, signs in, buys: both are rewarded."""
    bob, server = Browser(scene.us, "203.0.113.1"), Server(scene.us)
    await bob.click("ANN")
    await server.identify("c-bob", "bob@example.com", bob.visitor_id)
    await server.order("A-1001", "c-bob", "100.00", anonymousId=bob.visitor_id)


async def last_wins(scene: Scene) -> None:
    """Chloe follows a customer's link, then an employee's."""
    chloe, server = Browser(scene.us, "203.0.113.2"), Server(scene.us)
    await chloe.click("CARL")
    await chloe.click("EMMA")
    await server.order("A-1002", "c-chloe", "240.00", anonymousId=chloe.visitor_id)


async def no_cookie(scene: Scene) -> None:
    """Dora has not consented to anything; only the link's token comes along to the checkout."""
    dora, server = Browser(scene.eu, "203.0.113.3"), Server(scene.eu)
    token = await dora.click("CORA")
    assert dora.cookie is None, "the redirect set a cookie without consent"
    await server.order("A-1003", "c-dora", "80.00", context={"gw": token})


async def told_twice(scene: Scene) -> None:
    """The shop's server tells of a deal, and so does the CRM."""
    evan, server = Browser(scene.us, "203.0.113.4"), Server(scene.us)
    await evan.click("EMMA")
    await server.order("A-1004", "c-evan", "500.00", anonymousId=evan.visitor_id)
    await scene.crm.opportunity(
        "O-1004",
        stage="won",
        market_id="us",
        customer_id="c-evan",
        amount_minor=50_000,
        currency="USD",
        order_reference="A-1004",
    )


async def crm_only(scene: Scene) -> None:
    """A deal that only the CRM knows: a lead with a partner's code, later won."""
    known = {"market_id": "eu", "customer_id": "c-fritz"}
    await scene.crm.lead("L-1005", stage="contacted", code="PIA", **known)
    await scene.crm.opportunity("O-1005", stage="qualified", **known)
    await scene.crm.opportunity(
        "O-1005", stage="won", amount_minor=125_000, currency="EUR", **known
    )


async def refund_after_payment(scene: Scene) -> None:
    """Gwen sends everything back after Ella was paid."""
    gwen, server = Browser(scene.us, "203.0.113.6"), Server(scene.us)
    await gwen.click("ELLA")
    await server.order("A-1006", "c-gwen", "60.00", anonymousId=gwen.visitor_id)
    await scene.reward_came("A-1006", RewardFulfilled)
    await server.refund("A-1006", "c-gwen", "R-1006")


async def partial_refund(scene: Scene) -> None:
    """Hugo sends a quarter back while the rewards are on hold."""
    hugo, server = Browser(scene.us, "203.0.113.7"), Server(scene.us)
    await hugo.click("CARL")
    await server.identify("c-hugo", "hugo@example.com", hugo.visitor_id)
    await server.order("A-1007", "c-hugo", "200.00", anonymousId=hugo.visitor_id)
    await scene.reward_came("A-1007", RewardPending)
    await server.refund("A-1007", "c-hugo", "R-1007", "50.00")


async def self_referral(scene: Scene) -> None:
    """Dana follows her own link."""
    dana, server = Browser(scene.us, "203.0.113.8"), Server(scene.us)
    await dana.click("DANA")
    await server.identify("c-dana", "dana@example.com", dana.visitor_id)
    await server.order("A-1008", "c-dana", "90.00", anonymousId=dana.visitor_id)


async def office(scene: Scene) -> None:
    """Six colleagues behind one address and with one kind of browser: honest people."""
    server = Server(scene.us)
    for name in COLLEAGUES:
        colleague = Browser(scene.us, OFFICE)
        await colleague.click("PETE")
        await server.order(
            f"A-1009-{name}",
            f"c-office-{name}",
            "50.00",
            anonymousId=colleague.visitor_id,
            context={"ip": OFFICE},
        )


async def late_click(scene: Scene) -> None:
    """A page that an app had kept to itself while offline: its click came before the purchase."""
    jana, server = Browser(scene.eu, "203.0.113.10"), Server(scene.eu)
    await jana.page(await jana.click("DIRK"), consent=True)
    kept = await jana.click("ERIK")
    opened_at = datetime.now(UTC)
    granted = {"consent": "granted"}
    await server.order("A-1010", "c-jana", "120.00", anonymousId=jana.visitor_id, context=granted)
    await scene.reward_came("A-1010", RewardPending)
    await jana.page(kept, at=opened_at, consent=True)
    conversion = sale("A-1010")
    await scene.tape.first(
        ConversionCredited, lambda c: c.conversion_id == conversion and c.revision > 1
    )


async def duplicates(scene: Scene) -> None:
    """One delivery twice, and the same order under another message id."""
    kim, server = Browser(scene.us, "203.0.113.11"), Server(scene.us)
    await kim.click("EMMA")
    sent = await server.order("A-1011", "c-kim", "75.00", anonymousId=kim.visitor_id)
    await server.send("track", sent)
    await server.order("A-1011", "c-kim", "75.00", anonymousId=kim.visitor_id)


async def unconfirmed(scene: Scene) -> None:
    """An order that only the page tells of, with a key that anybody can read there."""
    lee = Browser(scene.us, "203.0.113.12")
    await lee.click("ANN")
    await lee.claims_order("A-1012", "c-lee", "45.00")


async def no_touch(scene: Scene) -> None:
    """Mia was recommended by nobody."""
    await Server(scene.us).order("A-1013", "c-mia", "33.00")


async def broken_record(scene: Scene) -> None:
    """A broken CRM record between two good ones of the same key."""
    known = {"market_id": "us", "customer_id": "c-nina"}
    await scene.crm.opportunity("O-1014", stage="qualified", code="PETE", **known)
    await scene.crm.broken("O-1014", '{"record_id": "O-1014", "stage": "nearly won", "amount')
    await scene.crm.opportunity("O-1014", stage="won", amount_minor=30_000, currency="USD", **known)


async def campaign(scene: Scene) -> None:
    """Oskar follows a partner's co-branded link, and consents."""
    oskar, server = Browser(scene.eu, "203.0.113.15"), Server(scene.eu)
    await oskar.page(await oskar.click("NORTHWIND"), consent=True)
    await server.order(
        "A-1015",
        "c-oskar",
        "400.00",
        anonymousId=oskar.visitor_id,
        context={"consent": "granted"},
    )


async def paused(scene: Scene) -> None:
    """The program was paused before the click: the link still leads to the shop."""
    quin, server = Browser(scene.us, "203.0.113.17"), Server(scene.us)
    await quin.click("SAM")
    await server.order("A-1017", "c-quin", "30.00", anonymousId=quin.visitor_id)


Journey = Callable[[Scene], Awaitable[None]]
JOURNEYS: Final[Mapping[str, Journey]] = {
    journey.__name__: journey
    for journey in (
        two_sided,
        last_wins,
        no_cookie,
        told_twice,
        crm_only,
        refund_after_payment,
        partial_refund,
        self_referral,
        office,
        late_click,
        duplicates,
        unconfirmed,
        no_touch,
        broken_record,
        campaign,
        paused,
    )
}
HURRIED: Final = (partial_refund.__name__, late_click.__name__)
"""What these send must be heard before the hold of their own purchase ends."""
