"""What no person did: by its headers, by its own name, and who must never be taken for one."""

import time
from pathlib import Path

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA, is_crawler
from hypothesis import example, given
from hypothesis import strategies as st
from tracking.domain.machines import Machine, machine_named, machine_of

PEOPLE = (Path(__file__).parent / "people_agents.txt").read_text().splitlines()
LISTED = [agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]
BROWSER = PEOPLE[0]


@pytest.mark.parametrize("agent", PEOPLE)
def test_a_persons_browser_is_no_machine(agent: str) -> None:
    assert machine_of("GET", "", agent) is None


def test_every_agent_of_the_list_is_recognised_as_the_list_itself_does() -> None:
    assert len(LISTED) > 2_000
    assert [one for one in LISTED if is_crawler(one) and machine_named(one) is None] == []


@given(st.sampled_from(LISTED), st.integers(0, 200), st.integers(0, 200))
def test_the_index_leaves_no_pattern_of_the_list_out(agent: str, begin: int, size: int) -> None:
    part = agent[begin : begin + size]
    found = machine_named(part)
    if is_crawler(part):
        assert found is not None
    else:
        assert found in (None, Machine.SCANNER)  # mail scanners are ours


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Machine.BOT),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "preview"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", Machine.PREVIEW),
        ("WhatsApp/2.23.20.0", Machine.PREVIEW),
        ("TelegramBot (like TwitterBot)", Machine.PREVIEW),
        ("Twitterbot/1.0", Machine.PREVIEW),
        ("Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", Machine.PREVIEW),
        ("LinkedInBot/1.0 (compatible; Mozilla/5.0; Jakarta Commons-HttpClient/3.1)", "preview"),
        ("Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5", Machine.PREVIEW),
        ("Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org)", Machine.SCANNER),
        ("Barracuda Sentinel (EE)", Machine.SCANNER),
        ("Microsoft Office Existence Discovery", Machine.SCANNER),
        ("curl/8.9.1", Machine.TOOL),
        ("python-httpx/0.28.1", Machine.TOOL),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/142.0.0.0 Safari/537.36", Machine.TOOL),
        ("Googlebot/2.1 HeadlessChrome/142.0.0.0", Machine.BOT),
    ],
)
def test_machines_that_say_their_name_are_told_apart(agent: str, kind: Machine) -> None:
    assert machine_of("GET", "", agent) == kind


@pytest.mark.parametrize(
    "purpose",
    ["prefetch", "prefetch;prerender", "Prefetch", "preview", "prefetch;anonymous-client-ip"],
)
def test_what_is_fetched_ahead_is_no_visit(purpose: str) -> None:
    assert machine_of("GET", purpose, BROWSER) is Machine.PREFETCH


def test_the_surest_sign_counts() -> None:
    assert machine_of("HEAD", "prefetch", LISTED[0]) is Machine.HEAD
    assert machine_of("GET", "prefetch", LISTED[0]) is Machine.PREFETCH
    assert machine_of("GET", "navigate", BROWSER) is None
    assert machine_of("GET", "", None) is None


@example("")
@example("bot")
@given(st.text(max_size=1_000))
def test_no_agent_is_too_odd_to_be_read(agent: str) -> None:
    machine_named(agent)


def test_an_agent_is_looked_up_much_faster_than_the_list_itself_does() -> None:
    """Agents that change with each request must not be a way to keep the door busy."""

    def seconds(look_up: object) -> float:
        begun = time.thread_time()
        for number, agent in enumerate(PEOPLE):
            look_up(f"{agent} {number}")  # type: ignore[operator]
        return time.thread_time() - begun

    uncached = machine_named.__wrapped__
    assert min(seconds(uncached) for _ in range(9)) < min(seconds(is_crawler) for _ in range(9)) / 3
