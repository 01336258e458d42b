"""The pages: who may see what, in which words, and that every answer is safe to show."""

from datetime import timedelta

import httpx
import pytest
from hub.settings import Settings
from service_kit.testing import Harness

from . import stories
from .builders import example
from .conftest import LogIn
from .stories import Story

pytestmark = pytest.mark.real

PERSON = {"accept": "text/html,*/*;q=0.8"}
PAID = stories.paid()
REFERRAL: str = example("referral.opened.v1").data.referral_id  # type: ignore[attr-defined]
OWN = (f"/conversions/{PAID.conversion_id}", f"/referrals/{REFERRAL}", "/participants/ada")
LISTS = ("/", "/referrals")


async def hear(harness: Harness[Settings], *told: Story) -> None:
    """Hear the tables, and these stories."""
    await harness.hear_table(*(example(name) for name in stories.TABLES))
    events = [event for story in told for event in story.events]
    await harness.deliver(*events, example("referral.opened.v1"), example("event.parked.v1"))


def _answer(page: str) -> str:
    """The words on top of a journey."""
    return page[page.index('id="answer"') : page.index("</section>")]


async def test_a_participant_sees_their_own_and_nobody_elses(
    harness: Harness[Settings], log_in: LogIn
) -> None:
    await hear(harness, PAID)
    ada, mallory = await log_in("ada"), await log_in("mallory")
    for page in OWN:
        assert (await ada.get(page)).status_code == 200
        refused = await mallory.get(page, headers=PERSON)
        assert refused.status_code == 404
        assert "ada" not in refused.text
    for page in LISTS:
        assert PAID.conversion_id not in (await mallory.get(page)).text
        assert REFERRAL not in (await mallory.get(page)).text
    for client in (ada, mallory):
        assert (await client.get("/parked")).status_code == 404


async def test_a_filter_does_not_widen_what_a_participant_sees(
    harness: Harness[Settings], log_in: LogIn
) -> None:
    await hear(harness, PAID)
    mallory = await log_in("mallory")
    for page in LISTS:
        answer = await mallory.get(page, params={"participant": "ada"})
        assert PAID.conversion_id not in answer.text
        assert REFERRAL not in answer.text


async def test_of_a_shared_conversion_everybody_sees_their_own_part(
    harness: Harness[Settings], log_in: LogIn
) -> None:
    await hear(harness, stories.pending())
    page = (await (await log_in("ada")).get(f"/conversions/{stories.pending().conversion_id}")).text
    assert "jemand anderem" in page
    for hidden in ("bob", "eve", "BOB-EU", "cust-77", "order-pending", "<svg"):
        assert hidden not in page


async def test_a_referee_sees_their_own_reward(harness: Harness[Settings], log_in: LogIn) -> None:
    await hear(harness, stories.two_sided())
    referee = await log_in("cust-77")
    conversion = f"/conversions/{stories.two_sided().conversion_id}"
    assert conversion in (await referee.get("/")).text
    page = (await referee.get(conversion)).text
    assert "Nothing has been paid yet" in _answer(page)
    assert "ADA-EU" not in page
    assert "12.00" in (await referee.get("/participants/cust-77")).text


async def test_an_operator_sees_everything(harness: Harness[Settings], log_in: LogIn) -> None:
    await hear(harness, PAID)
    operator = await log_in("operator")
    for page in (*OWN, *LISTS, "/parked"):
        assert (await operator.get(page)).status_code == 200
    assert "invalid body" in (await operator.get("/parked")).text.lower()
    assert (await operator.get("/participants/nobody")).status_code == 404


async def test_a_stranger_is_asked_to_log_in_and_gets_where_they_wanted(
    stranger: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    for page in (*LISTS, "/parked", *OWN):
        answer = await stranger.get(page, headers=PERSON)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    made = (await operator.post("/internal/logins", json={"subject": "ada"})).json()["url"]
    assert (await stranger.post(made)).headers["location"] == OWN[-1]
    made = (await operator.post("/internal/logins", json={"subject": "ada"})).json()["url"]
    assert (await stranger.post(made)).headers["location"] == "/"


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/logout", "/x\\y"])
async def test_nobody_is_sent_elsewhere_after_logging_in(
    stranger: httpx.AsyncClient, operator: httpx.AsyncClient, wanted: str
) -> None:
    made = (await operator.post("/internal/logins", json={"subject": "ada"})).json()["url"]
    stranger.cookies.set("gw_wanted", wanted)
    assert (await stranger.post(made)).headers["location"] == "/"


@pytest.mark.parametrize(
    ("story", "said"),
    [
        (PAID, "12,00\xa0€ wurde gezahlt."),
        (stories.rejected(), "Es wurde nichts gezahlt, weil die Risikoprüfung es abgelehnt hat."),
        (stories.unattributed(), "weil es niemandem zugeordnet werden konnte."),
        (stories.refunded(), "zurückgenommen, weil der Abschluss erstattet oder storniert wurde."),
        (stories.payment_failed(), "noch nichts gezahlt, weil die Zahlung fehlschlug."),
    ],
)
async def test_why_it_ended_so_is_said_on_top_in_the_participants_language(
    harness: Harness[Settings], log_in: LogIn, story: Story, said: str
) -> None:
    await hear(harness, story)
    ada = await log_in("ada")
    page = (await ada.get(f"/conversions/{story.conversion_id}", headers=PERSON)).text
    assert '<html lang="de">' in page
    assert said in _answer(page)


async def test_reasons_and_next_steps_are_in_the_readers_language(
    harness: Harness[Settings], log_in: LogIn
) -> None:
    await hear(harness, *stories.ALL)
    ada, operator = await log_in("ada"), await log_in("operator")
    for story in stories.ALL:
        path = f"/conversions/{story.conversion_id}"
        for client in (ada, operator):
            page = (await client.get(path, headers={"accept-language": "de"})).text
            assert 'lang="en"' not in page, path
            for english in (" the ", " touch", "Rule ", "hold ends", "owed"):
                assert english not in page, path
    page = (await ada.get(f"/conversions/{stories.unattributed().conversion_id}")).text
    assert "Er liegt außerhalb des Zeitfensters (30 Tage)." in _answer(page)
    assert "bis 04.11.2026, 11:00 bekannt wird" in _answer(page)
    rewards = (await ada.get("/participants/ada")).text
    assert "Zuerst muss jemand die Risikoprüfung ansehen." in rewards


async def test_somebodys_own_words_are_quoted_and_marked(
    harness: Harness[Settings], log_in: LogIn
) -> None:
    story = stories.Teller("odd").unattributed(reason="who <b>knows</b>").told()
    await hear(harness, story, stories.payment_failed())
    ada = await log_in("ada")
    page = (await ada.get(f"/conversions/{story.conversion_id}")).text
    assert '<span lang="en">„who &lt;b&gt;knows&lt;/b&gt;“</span>' in _answer(page)
    failed = stories.payment_failed().conversion_id
    page = (await ada.get(f"/conversions/{failed}")).text
    assert "abgelehnt (HTTP 400): „account closed“" in _answer(page)


async def test_how_the_risk_check_counts_is_for_operators_only(
    harness: Harness[Settings], log_in: LogIn
) -> None:
    await hear(harness, PAID)
    line = "Risk check of revision 1: cleared, 0 points under rules 2026-11.1"
    assert line in (await (await log_in("operator")).get(OWN[0])).text
    page = (await (await log_in("ada")).get(OWN[0])).text
    assert "Regel peer-thanks" in page
    assert "Punkte nach den Regeln" not in page


async def test_times_are_in_the_market_of_what_is_shown(
    harness: Harness[Settings], log_in: LogIn
) -> None:
    await hear(harness, PAID)
    page = (await (await log_in("operator")).get(OWN[0])).text
    assert '<time datetime="2026-11-03T10:00:00Z">Nov 3, 2026, 11:00</time>' in page
    assert "All times: Europe/Berlin" in page
    assert "All times: UTC" in (await (await log_in("operator")).get("/")).text


async def test_totals_count_more_rewards_than_a_page_shows(
    harness: Harness[Settings], log_in: LogIn
) -> None:
    later = [timedelta(seconds=number) for number in range(60)]
    rewards = (
        example("reward.fulfilled.v1", at=stories.START + after, reward_id=f"r-{number}")
        for number, after in enumerate(later)
    )
    await harness.deliver(*rewards)
    ada = await log_in("ada")
    page = (await ada.get("/participants/ada")).text
    assert page.count('<th scope="row">') == 50
    assert "€720.00" in page
    older = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = (await ada.get(older)).text
    assert second.count('<th scope="row">') == 10
    assert "€720.00" in second


async def test_clicks_are_counted_for_the_codes_owner(
    harness: Harness[Settings], log_in: LogIn
) -> None:
    await hear(harness)
    await harness.deliver(example("touches.counted.v1"), example("touches.counted.v1", code="X"))
    page = (await (await log_in("ada")).get("/participants/ada")).text
    assert "ADA-EU" in page
    assert 'data-label="Klicks" class="number">41<' in page


async def test_every_answer_is_safe_to_show(
    harness: Harness[Settings], log_in: LogIn, stranger: httpx.AsyncClient
) -> None:
    await hear(harness, PAID)
    operator = await log_in("operator")
    asked = [
        *[await operator.get(page, headers=PERSON) for page in (*OWN, *LISTS, "/parked")],
        await operator.get("/?before_at=nonsense", headers=PERSON),
        await operator.get("/conversions/nothing", headers=PERSON),
        await operator.get("/no/such/page", headers=PERSON),
        await operator.post("/logout", data={"csrf": "guess"}, headers=PERSON),
        await operator.get("/", headers={"hx-request": "true"}),
        *[await stranger.get(page, headers=PERSON) for page in ("/", "/login", "/login/a.b")],
        await stranger.get("/", headers={"hx-request": "true"}),
        await stranger.post("/login", data={"subject": "x"}, headers=PERSON),
    ]
    for answer in asked:
        assert answer.status_code < 500
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        for inline in ("<script>", "<style", " style=", " onclick", "javascript:", "https://"):
            assert inline not in answer.text


@pytest.mark.parametrize("name", ["hub.css", "icon.svg"])
async def test_our_own_files_are_kept_for_ever_in_their_version(
    stranger: httpx.AsyncClient, name: str
) -> None:
    page = (await stranger.get("/login")).text
    address = next(part for part in page.split('"') if part.startswith(f"/static/{name}?v="))
    assert "immutable" in (await stranger.get(address)).headers["cache-control"]
    assert "immutable" not in (await stranger.get(f"/static/{name}?v=old")).headers["cache-control"]
