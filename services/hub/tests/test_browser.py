"""The pages in a real browser: by keyboard alone, on a phone, without JavaScript, for everybody."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from . import stories
from .builders import example

pytestmark = pytest.mark.real

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESK = (390, 844), (1280, 900)
MOST_TABS = 60
REFERRAL = example("referral.opened.v1").data.referral_id  # type: ignore[attr-defined]
SHOWN = (stories.paid(), stories.in_review(), stories.refunded(), stories.two_sided())
PAGES = {
    "operator": (
        "/",
        "/?state=reversed",
        "/referrals",
        f"/referrals/{REFERRAL}",
        "/parked",
        "/participants/ada",
        *(f"/conversions/{story.conversion_id}" for story in SHOWN),
        "/logout",
        "/no/such/page",
    ),
    "ada": (
        "/",
        "/referrals",
        "/participants/ada",
        f"/conversions/{stories.rejected().conversion_id}",
        f"/conversions/{stories.pending().conversion_id}",
    ),
}


@dataclass
class Visit:
    """A browser's window, with all that it asked for and complained about."""

    page: Page
    context: BrowserContext
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


Open = Callable[..., Awaitable[Visit]]
Link = Callable[[str], Awaitable[str]]


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium: the machine's own, else the one that Playwright brought."""
    async with async_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        running = await playwright.chromium.launch(executable_path=found, args=CHROMIUM)
        yield running
        await running.close()


@pytest_asyncio.fixture
async def visit(browser: Browser) -> AsyncIterator[Open]:
    """Opens windows: `await visit(size, java_script_enabled=…, color_scheme=…)`."""
    opened: list[BrowserContext] = []

    async def open_window(size: tuple[int, int] = DESK, **options: Any) -> Visit:
        viewport = {"width": size[0], "height": size[1]}
        context = await browser.new_context(viewport=viewport, **options)
        opened.append(context)
        made = Visit(await context.new_page(), context)
        made.page.on("request", lambda request: made.requests.append(request.url))
        made.page.on("console", lambda said: made.complaints.append(said.text))
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        return made

    yield open_window
    for context in opened:
        await context.close()


async def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until what the selector names has the focus."""
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        if await page.locator(f"{selector}:focus").count():
            return
    raise AssertionError(f"{selector} cannot be reached by the keyboard")


async def _log_in(visited: Visit, url: str) -> None:
    await visited.page.goto(url)
    await visited.page.click("main button")
    await visited.page.wait_for_selector("nav")


async def test_why_nothing_was_paid_is_found_by_keyboard_on_a_phone_without_scripts(
    origin: str, link: Link, visit: Open
) -> None:
    phone = await visit(PHONE, java_script_enabled=False, locale="en-GB")
    page = phone.page
    await page.goto(await link("ada"))
    await _tab_to(page, "main button")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{origin}/")
    unpaid = f"/conversions/{stories.rejected().conversion_id}"
    await _tab_to(page, f'a[href="{unpaid}"]')
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{origin}{unpaid}")
    answer = page.locator("#answer")
    assert await answer.inner_text() == (
        "Es wurde nichts gezahlt, weil die Risikoprüfung es abgelehnt hat."
    )
    box = await answer.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < PHONE[1]  # without scrolling
    told = await page.locator("section.answer").inner_text()
    assert "Teilnehmer und Kunde sind dieselbe Person." in told
    await _tab_to(page, "section.answer a")
    await page.keyboard.press("Enter")
    assert "#fraud-" in page.url


async def test_the_content_is_reached_without_going_through_the_menu(
    link: Link, visit: Open
) -> None:
    desk = await visit()
    await _log_in(desk, await link("operator"))
    await desk.page.keyboard.press("Tab")
    assert await desk.page.locator(".skip:focus").count() == 1
    await desk.page.keyboard.press("Enter")
    await _tab_to(desk.page, "#participant")


@pytest.mark.parametrize("size", [PHONE, (320, 640)], ids=["phone", "small"])
async def test_no_page_scrolls_sideways_nor_asks_anybody_else(
    origin: str, link: Link, visit: Open, size: tuple[int, int]
) -> None:
    for subject, pages in PAGES.items():
        visited = await visit(size, locale="de-DE")  # the longer words
        await _log_in(visited, await link(subject))
        for path in pages:
            await visited.page.goto(origin + path)
            width = await visited.page.evaluate("document.documentElement.scrollWidth")
            assert (path, width) == (path, size[0])
        assert {url for url in visited.requests if not url.startswith(f"{origin}/")} == set()
        assert [said for said in visited.complaints if "404" not in said] == []


async def test_on_a_phone_a_row_keeps_together_what_belongs_together(
    origin: str, link: Link, visit: Open
) -> None:
    phone = await visit(PHONE)
    await _log_in(phone, await link("operator"))
    shared = phone.page.locator(f'tr:has(a[href="/conversions/{stories.pending().conversion_id}"])')
    assert await shared.locator(".labelled").inner_text() == "ada\xa01/2, bob\xa01/2"
    box = await shared.locator(".labelled").bounding_box()
    assert box is not None
    assert box["height"] < 32  # one line
    await phone.page.goto(f"{origin}/participants/ada")
    for row in await phone.page.locator(".cards tbody tr").all():
        what = await row.locator("th").bounding_box()
        amount = await row.locator(".side").bounding_box()
        assert what is not None
        assert amount is not None
        assert (what["y"], what["x"] < amount["x"]) == (amount["y"], True)


@pytest.mark.parametrize(("scheme", "size"), [("light", DESK), ("dark", PHONE)])
async def test_no_page_shuts_anybody_out(
    origin: str, link: Link, visit: Open, scheme: str, size: tuple[int, int]
) -> None:
    """axe-core, all its rules."""
    visited = await visit(size, color_scheme=scheme)
    found = {path: await _violations(visited, origin + path) for path in ("/login", "/login/a.b")}
    await visited.page.goto(await link("ada"))
    found["confirm"] = await _violations(visited, visited.page.url)
    for subject, pages in PAGES.items():
        visited = await visit(size, color_scheme=scheme)
        await _log_in(visited, await link(subject))
        for path in pages:
            found[f"{subject} {path}"] = await _violations(visited, origin + path)
    assert {path: violations for path, violations in found.items() if violations} == {}


async def _violations(visited: Visit, url: str) -> list[str]:
    await visited.page.goto(url)
    results = await Axe().run(visited.page)
    return [
        f"{violation['id']}: {node['target']}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]


async def test_the_session_cookie_works_on_localhost_and_out_of_reach_of_scripts(
    origin: str, link: Link, visit: Open
) -> None:
    visited = await visit()
    await _log_in(visited, await link("ada"))
    [cookie] = await visited.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
        "gw_session",
        True,
        "Lax",
        "/",
    )
    assert await visited.page.evaluate("document.cookie") == ""
    await visited.page.click("header form button")
    await visited.page.wait_for_url(f"{origin}/login")
    assert await visited.context.cookies() == []
    await visited.page.goto(f"{origin}/")
    assert visited.page.url == f"{origin}/login"


async def test_with_scripts_a_filter_changes_the_list_in_place(
    origin: str, link: Link, visit: Open
) -> None:
    visited = await visit()
    await _log_in(visited, await link("operator"))
    await visited.page.evaluate("window.stayed = true")
    await visited.page.select_option("#state", "unconfirmed")
    await visited.page.wait_for_url(f"{origin}/?participant=&state=unconfirmed")
    assert await visited.page.locator("#results tbody tr").count() == 1
    assert await visited.page.evaluate("window.stayed") is True
    assert visited.complaints == []
