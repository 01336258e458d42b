"""One parser of destinations, beside two that others wrote, and the table of open redirects."""

import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_schemas.destinations import (
    ANYWHERE,
    MAX_CHARACTERS,
    Allowed,
    NotADestination,
    parameter_names,
    parsed,
    percent_encoded,
    with_parameters,
    with_query,
)

TABLE = json.loads((Path(__file__).parent / "open_redirects.json").read_text())
PAYLOADS = [
    trick.format(foreign=foreign, own=TABLE["own"])
    for trick in TABLE["tricks"]
    for foreign in TABLE["foreign"]
]
OWN = Allowed.of("https,http", f"{TABLE['own']}, *.{TABLE['own']}")


def test_there_are_at_least_three_hundred_different_payloads() -> None:
    assert len(set(PAYLOADS)) >= 300


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_passes_for_an_allowed_host(payload: str) -> None:
    assert not OWN.allows(payload)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://shop.example.com", "shop.example.com"),
        ("http://localhost:3000/?a=1#b", "localhost"),
        ("https://SHOP.example.com/welcome?utm=ref#offer", "shop.example.com"),
        ("https://a_b.example.com:65535/", "a_b.example.com"),
        ("https://xn--bcher-kva.example/?q=@//evil.example", "xn--bcher-kva.example"),
        ("http://192.0.2.7/x", "192.0.2.7"),
        ("https://shop.example.com/caf\u00e9", "shop.example.com"),
    ],
)
def test_ordinary_addresses_are_read(text: str, host: str) -> None:
    assert parsed(text).host == host
    assert parsed(text).text.isascii()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with"),
        ("ftp://a.example", "begins with"),
        ("https://", "begins with"),
        ("https://a b.example", "no spaces"),
        ("https://a.example\n", "no spaces"),
        ("https://a.example/\ud800", "no spaces"),
        ("https://me@a.example", "no user name"),
        ("https://b\u00fccher.example", "ASCII form"),
        ("https://a.example.", "not a domain name"),
        ("https://a..example", "not a domain name"),
        ("https://-a.example", "not a domain name"),
        ("https://" + "a" * 64 + ".example", "not a domain name"),
        ("https://a.example:0", "its port"),
        ("https://a.example:65536", "its port"),
        ("https://a.example:", "its port"),
        ("https://[::1]/", "its port"),
        ("https://2130706433/", "IPv4"),
        ("https://0x7f.1/", "IPv4"),
        ("https://127.1/", "IPv4"),
        ("https://127.0.0.01/", "IPv4"),
        ("https://a.example/" + "a" * MAX_CHARACTERS, "at most"),
    ],
)
def test_what_is_refused_is_told_why(text: str, said: str) -> None:
    with pytest.raises(NotADestination, match=said):
        parsed(text)


@given(st.text(alphabet="abc.:/@#?\\[]%0x1-_ \t\r\nü。", max_size=40))
def test_whoever_reads_a_parsed_address_comes_to_the_same_host(rest: str) -> None:
    try:
        found = parsed("https://" + rest)
    except NotADestination:
        return
    assert urlsplit(found.text).hostname == found.host
    assert httpx.URL(found.text).host == found.host
    assert not set(found.text) & set(" \t\r\n\\")
    assert parsed(found.text) == found


@pytest.mark.parametrize(
    ("hosts", "text", "allowed"),
    [
        ("", "https://anything.example/", True),
        ("a.example", "https://a.example/", True),
        ("a.example", "https://A.example:8443/", True),
        ("a.example", "https://b.a.example/", False),
        ("*.a.example", "https://c.b.a.example/", True),
        ("*.a.example", "https://a.example/", False),
        ("*.a.example", "https://evila.example/", False),
        ("a.example,192.0.2.7", "http://192.0.2.7/", True),
    ],
)
def test_hosts_are_allowed_by_name_or_below_a_name(hosts: str, text: str, allowed: bool) -> None:
    assert Allowed.of("https,http", hosts).allows(text) is allowed


def test_schemes_are_allowed_by_name() -> None:
    only = Allowed.of("https", "")
    assert only.allows("https://a.example")
    assert not only.allows("http://a.example")
    assert ANYWHERE.allows("http://a.example")


@pytest.mark.parametrize(
    ("schemes", "hosts"),
    [("", ""), ("javascript", ""), ("https", "*"), ("https", "a.*.b"), ("https", "a/b")],
)
def test_lists_that_mean_nothing_are_refused(schemes: str, hosts: str) -> None:
    with pytest.raises(ValueError, match=r"schemes|host|domain"):
        Allowed.of(schemes, hosts)


@pytest.mark.parametrize(
    ("address", "query", "result"),
    [
        ("https://a.example", "b=1", "https://a.example?b=1"),
        ("https://a.example/?a=1#c", "b=1", "https://a.example/?a=1&b=1#c"),
        ("https://a.example/?", "b=1", "https://a.example/?b=1"),
        ("https://a.example/?a=1&", "b=1", "https://a.example/?a=1&b=1"),
        ("https://a.example/#c?d", "b=1", "https://a.example/?b=1#c?d"),
        ("https://a.example/#c", "", "https://a.example/#c"),
    ],
)
def test_a_query_is_added_before_the_fragment(address: str, query: str, result: str) -> None:
    assert with_query(address, query) == result


def test_a_destination_cannot_write_headers() -> None:
    encoded = "https://a.example/%C3%BC%0D%0Ax:%20y?a=%20"
    assert percent_encoded("https://a.example/\u00fc\r\nx: y?a=%20") == encoded
    assert percent_encoded("https://a.example/\ud800") == "https://a.example/%ED%A0%80"


@given(st.lists(st.tuples(st.text("ab_.~-", min_size=1), st.text(max_size=20)), max_size=5))
def test_parameters_of_any_text_arrive_as_they_were_given(pairs: list[tuple[str, str]]) -> None:
    pairs = [(name, value.encode("utf-8", "replace").decode()) for name, value in pairs]
    made = with_parameters("https://a.example/x#y", pairs)
    assert parse_qsl(urlsplit(made).query, keep_blank_values=True) == pairs
    assert parsed(made).text == made
    assert parameter_names(made) == {name for name, _ in pairs}
