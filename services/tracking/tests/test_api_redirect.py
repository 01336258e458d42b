"""Following links, as a browser does."""

import asyncio
import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from service_kit.producer import Unacknowledged
from shared_schemas import ids
from shared_schemas.codes import generated
from shared_schemas.events.tracking import ClickRecorded
from shared_schemas.states import LinkState
from tracking.domain.tables import Target
from tracking.domain.token import LinkToken

from .builders import NOW, TOKENS, Broker, decoded, link, registry
from .doors import site
from .spools import emptied, spool_in


def lost() -> float:
    return REGISTRY.get_sample_value("goodword_touches_unacknowledged_total") or 0


async def test_a_click_goes_to_the_links_own_destination_with_a_token() -> None:
    async with site() as here:
        answer = await here.client.get("/r/anna?to=https://evil.example")
        assert answer.status_code == 302
        found = re.fullmatch(
            r"https://shop\.example\.com/welcome\?utm=ref&gw=([\w-]+)#offer",
            answer.headers["location"],
        )
        assert found is not None
        ((envelope, click),) = here.broker.events()
        assert isinstance(click, ClickRecorded)
        said = TOKENS.verify(found[1], NOW)
        assert isinstance(said, LinkToken)
        assert ids.touch_id(said.click_id) == click.touch_id
        assert (envelope.source, envelope.key) == ("goodword/tracking", click.visitor_id)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_visitor_is_known_again_by_the_cookie() -> None:
    async with site() as here:
        first = await here.client.get("/r/anna")
        cookie = first.headers["set-cookie"]
        assert re.fullmatch(
            r"gw_v=[0-9a-f]{32}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", cookie
        )
        await here.client.get("/r/anna")
        first_click, second_click = (event for _, event in here.broker.events())
        assert isinstance(first_click, ClickRecorded)
        assert isinstance(second_click, ClickRecorded)
        assert first_click.visitor_id == second_click.visitor_id
        assert first_click.touch_id != second_click.touch_id


async def test_the_cookie_is_secure_behind_our_own_https() -> None:
    async with site(trusted_proxies=1) as here:
        sent = {"x-forwarded-proto": "https", "x-forwarded-for": "6.6.6.6, 198.51.100.4"}
        answer = await here.client.get("/r/anna", headers=sent)
        assert answer.headers["set-cookie"].endswith("; Secure")


async def test_an_opt_in_market_gets_no_cookie_and_stores_nobody() -> None:
    async with site() as here:
        answer = await here.client.get("/r/berta", headers={"cookie": f"gw_v={'a' * 32}"})
        assert "set-cookie" not in answer.headers
        ((_, click),) = here.broker.events()
        assert isinstance(click, ClickRecorded)
        assert (click.visitor_id, click.address_hash, click.agent_hash) == (None, None, None)


async def test_a_head_request_is_answered_without_a_touch() -> None:
    async with site() as here:
        answer = await here.client.head("/r/anna")
        assert (answer.status_code, answer.content) == (302, b"")
        assert "gw=" not in answer.headers["location"]
        assert (await here.client.head("/r/nobody")).status_code == 404
        assert here.broker.records == []


BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
MACHINES = [
    ("bot", {"user-agent": BOT}),
    ("preview", {"user-agent": "facebookexternalhit/1.1"}),
    ("scanner", {"user-agent": "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None)"}),
]


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("goodword_clicks_total", {"outcome": outcome}) or 0


@pytest.mark.parametrize(("kind", "headers"), MACHINES)
async def test_a_machine_is_led_on_without_a_token_a_cookie_or_a_touch(
    kind: str, headers: dict[str, str]
) -> None:
    before = counted(kind), counted("followed")
    async with site() as here:
        answer = await here.client.get("/r/anna", headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (302, link().destination)
        assert "set-cookie" not in answer.headers
        assert here.broker.records == []
    assert (counted(kind), counted("followed")) == (before[0] + 1, before[1])


@pytest.mark.parametrize("name", ["sec-purpose", "purpose", "x-purpose", "x-moz"])
async def test_what_is_fetched_ahead_carries_the_token_and_is_no_touch(name: str) -> None:
    before = counted("prefetch")
    async with site() as here:
        headers = {name: "prefetch", "user-agent": BROWSER}
        answer = await here.client.get("/r/anna", headers=headers)
        assert answer.status_code == 302
        said = TOKENS.verify(answer.headers["location"].split("gw=")[1].split("#")[0], NOW)
        assert isinstance(said, LinkToken)
        assert "set-cookie" not in answer.headers
        assert here.broker.records == []
    assert counted("prefetch") == before + 1


async def test_tools_are_people_unless_they_are_told_not_to_count() -> None:
    tool = {"user-agent": "curl/8.9.1"}
    async with site() as here:
        await here.client.get("/r/anna", headers=tool)
        assert len(here.broker.records) == 1
    async with site(tools_count=False) as here:
        assert (await here.client.get("/r/anna", headers=tool)).status_code == 302
        await here.client.get("/r/anna", headers={"user-agent": BROWSER})
        assert len(here.broker.records) == 1


async def test_each_is_led_to_the_destination_of_their_market_and_language() -> None:
    german = Target(destination="https://shop.example.com/de?a=1", language="de")
    swiss = Target(destination="https://shop.example.com/ch", market_id="ch")
    async with site(registry(link("many", targets=(german, swiss)))) as here:
        for query, accepted, begins in (
            ("", "en", link().destination.split("#")[0] + "&gw="),
            ("", "de-CH,en;q=0.5", "https://shop.example.com/de?a=1&gw="),
            ("?market=ch", "de", "https://shop.example.com/ch?gw="),
            ("?language=de", "en", "https://shop.example.com/de?a=1&gw="),
            ("?market=//evil.example", "de", "https://shop.example.com/de?a=1&gw="),
        ):
            headers = {"accept-language": accepted}
            answer = await here.client.get(f"/r/many{query}", headers=headers)
            assert answer.headers["location"].startswith(begins), (query, accepted)
        assert len(here.broker.records) == 5


async def test_a_destination_that_is_not_allowed_any_more_is_not_followed() -> None:
    foreign = link("foreign", destination="https://evil.example/")
    odd = link("odd", destination="https://shop.example.com%5c@evil.example/")
    plain = link("plain", destination="http://shop.example.com/")
    hosts = {"destination_schemes": "https", "destination_hosts": "shop.example.com"}
    async with site(registry(foreign, odd, plain), **hosts) as here:
        assert (await here.client.get("/r/anna")).status_code == 302
        for code in ("foreign", "odd", "plain"):
            answer = await here.client.get(f"/r/{code}")
            assert answer.status_code == 410
            assert "location" not in answer.headers
            assert "no longer allowed" in answer.text
        assert len(here.broker.records) == 1


async def test_a_generated_code_is_found_in_any_case_and_a_mistyped_one_is_told_so() -> None:
    code = generated([3, 1, 4, 15, 9, 26, 5])
    async with site(registry(link(code))) as here:
        for typed in (code, code.lower(), code.replace("-", ""), code.replace("-", "%20")):
            assert (await here.client.get(f"/r/{typed}")).status_code == 302
        recorded = {event.code for _, event in here.broker.events()}  # type: ignore[attr-defined]
        assert recorded == {code}
        for typed in (code[:-1] + "A", code[1:], "O" + code[1:]):
            answer = await here.client.get(f"/r/{typed}", headers={"accept-language": "en"})
            assert answer.status_code == 404
            assert "typing error" in answer.text
            assert code not in answer.text  # whoever guesses is not helped
        assert "typing error" not in (await here.client.get("/r/nobody")).text
    async with site(registry(complete=False)) as here:
        assert (await here.client.get(f"/r/{code[1:]}")).status_code == 503


async def test_links_that_lead_nowhere_show_a_page_in_the_readers_language() -> None:
    known = registry(link("gone", state=LinkState.REVOKED), link("over", expires_at=NOW))
    async with site(known) as here:
        for code, status in (("nobody", 404), ("gone", 410), ("over", 410), ("%00%ff", 404)):
            answer = await here.client.get(f"/r/{code}", headers={"accept-language": "de-CH,en"})
            assert answer.status_code == status
            assert answer.headers["content-type"].startswith("text/html")
            assert '<html lang="de">' in answer.text
            assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert here.broker.records == []


async def test_a_page_names_its_style_by_hash_and_loads_nothing() -> None:
    async with site() as here:
        page = (await here.client.get("/r/nobody")).text
        assert '<html lang="en">' in page
        assert "width=device-width" in page
        assert not re.search(r"https?:|src=|<script|<link", page)


async def test_an_unknown_code_is_not_denied_while_the_links_are_being_read() -> None:
    async with site(registry(complete=False)) as here:
        answer = await here.client.get("/r/nobody")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert (await here.client.get("/r/anna")).status_code == 302


class Silent(Broker):
    """A broker that never answers, until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = asyncio.Event()

    async def send_all(self, records, *, deadline_seconds):  # type: ignore[no-untyped-def]
        await self.answered.wait()
        return await super().send_all(records, deadline_seconds=deadline_seconds)


async def test_a_silent_broker_delays_a_click_only_briefly_and_its_write_goes_on() -> None:
    broker, before = Silent(), lost()
    async with site(broker=broker, redirect_wait_milliseconds=1) as here:
        assert (await here.client.get("/r/anna")).status_code == 302
        assert broker.records == []
        broker.answered.set()
        await here.door.journal.close(within_seconds=5)
        assert len(broker.records) == 1
    assert lost() == before


async def test_clicks_that_never_become_durable_are_counted() -> None:
    before = lost()
    async with site(broker=Silent(), redirect_wait_milliseconds=1, touches_waiting_max=1) as here:
        for _ in range(2):  # the second is one too many
            assert (await here.client.get("/r/anna")).status_code == 302
        assert lost() == before + 1
    assert lost() == before + 2  # given up at the end
    broker = Broker()
    broker.errors = [Unacknowledged("no")]
    async with site(broker=broker) as here:
        assert (await here.client.get("/r/anna")).status_code == 302
    assert lost() == before + 3


async def test_a_click_that_a_silent_broker_has_not_taken_by_the_end_is_in_the_spool(
    tmp_path: Path,
) -> None:
    before = lost()
    async with site(broker=Silent(), spool=tmp_path, redirect_wait_milliseconds=1) as here:
        assert (await here.client.get("/r/anna")).status_code == 302
    async with spool_in(tmp_path) as spool:
        ((_, click),) = map(decoded, await emptied(spool))
        assert isinstance(click, ClickRecorded)
    assert lost() == before
