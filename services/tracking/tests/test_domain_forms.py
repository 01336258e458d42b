"""Forms, the ways back from them, and the contacts that they bring."""

import json
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tracking.domain.contacts import e164, personal_data
from tracking.domain.forms import looks_like_form, read_form, return_address
from tracking.domain.outcome import Refused

KNOWN = frozenset(("code", "email", "note"))
HOME = "https://shop.example.com/welcome?utm=ref#offer"
FOREIGN = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "http://shop.example.com/",
    "https://shop.example.com.evil.example/",
    "https://shop.example.com@evil.example/",
    "https://shop.example.com:pass@evil.example/",
    "https://shop.example.com%40evil.example/",
    "https://evil.example\\@shop.example.com/",
    "https://shop.example.com\\.evil.example/",
    "https://shop.example.com:8443/",
    "https://user@shop.example.com/",
    "https://shop.example.com\t.evil.example/",
    "https://shop.example.com/\r\nSet-Cookie: a=b",
    "https://shop.example.com/\n",
    " https://shop.example.com/",
    "https://shop.example.com /",
    "https://shop.example.com\u3002evil.example/",
    "https://\u017fhop.example.com/",
    "javascript:alert(1)//https://shop.example.com/",
    "data:text/html,x",
    "https://shop.example.com./",
    "/thanks",
    "thanks",
    "",
    "https://shop.example.com/" + "a" * 2_000,
]


@pytest.mark.parametrize("text", FOREIGN)
def test_no_form_leads_to_another_host(text: str) -> None:
    with pytest.raises(Refused):
        return_address(text, HOME)


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example.com",
        "https://shop.example.com/",
        "https://SHOP.example.com/thanks?a=1&b=%20#x",
        "https://shop.example.com?next=https://evil.example/",
    ],
)
def test_a_form_leads_back_to_the_host_of_its_link(text: str) -> None:
    assert return_address(text, HOME) == text
    with pytest.raises(Refused):
        return_address(text, None)
    with pytest.raises(Refused):
        return_address(text, "https://other.example/")


PIECES = st.sampled_from(
    [
        *("https://", "http://", "//", "/", "\\", "shop.example.com", "evil.example", "@", ":"),
        *("443", "?", "#", "%2f", "%5c", ".", "\t", " ", "\u017f", "\u212a", "user", ";", "["),
        *("]", "\x00"),
    ]
)


@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=40))
@example("https://shop.example.com/x")
def test_whatever_is_accepted_is_on_that_host(text: str) -> None:
    try:
        address = return_address(text, HOME)
    except Refused:
        return
    assert urlsplit(address).hostname == "shop.example.com"
    assert urlsplit(address).scheme == "https"
    assert address.isascii()
    assert "\\" not in address


@given(
    st.dictionaries(
        st.sampled_from(sorted(KNOWN)), st.text(min_size=1).filter(lambda t: max(t) < "\ud800")
    )
)
def test_a_form_says_what_was_filled_in(said: dict[str, str]) -> None:
    assert read_form(urlencode(said).encode(), KNOWN).fields == said


def test_a_form_may_have_fields_for_its_page_and_empty_ones() -> None:
    form = read_form(b"code=anna&email=&submit=Go&idempotency_key=k-1&return_to=x", KNOWN)
    assert form.fields == {"code": "anna"}
    assert (form.idempotency_key, form.return_to) == ("k-1", "x")


@pytest.mark.parametrize(
    "data",
    [b"\xff=1", b"code=%ff", b"code=a&code=b", b"&".join(b"a%d=1" % n for n in range(60))],
)
def test_a_form_that_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        read_form(data, KNOWN)


def test_json_is_json_whatever_it_is_said_to_be() -> None:
    form = "application/x-www-form-urlencoded; charset=UTF-8"
    assert looks_like_form(form, b"code=anna")
    assert not looks_like_form(form, json.dumps({"code": "anna"}).encode())
    assert not looks_like_form("application/json", b"code=anna")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+49 30 123456", "+4930123456"),
        ("0049 (30) 123-456", "+4930123456"),
        ("+1.212.555.0100", "+12125550100"),
    ],
)
def test_a_phone_number_has_one_spelling(written: str, number: str) -> None:
    assert e164(written) == number


@given(st.text(max_size=30) | st.from_regex(r"[+0-9 ().-]{0,30}", fullmatch=True))
def test_a_number_is_e164_or_refused(text: str) -> None:
    try:
        number = e164(text)
    except Refused:
        return
    assert number[0] == "+"
    assert number[1:].isascii()
    assert number[1:].isdigit()
    assert 7 <= len(number[1:]) <= 15
    assert e164(number) == number


@pytest.mark.parametrize(
    ("traits", "code"),
    [
        ({}, "no_contact"),
        ({"name": "Ben", "email": " "}, "no_contact"),
        ({"email": "ben"}, "invalid_email"),
        ({"email": "ben@example..com"}, "invalid_email"),
        ({"email": 7}, "invalid_contact"),
        ({"email": "b@example.com", "phone": "030 123456"}, "invalid_phone"),
        ({"phone": "+0 30 123456"}, "invalid_phone"),
        ({"phone": "+4930123456", "name": "a\nb"}, "invalid_contact"),
        ({"phone": "+4930123456", "name": "x" * 201}, "invalid_contact"),
        ({"phone": "+4930123456", "note": "x" * 1_001}, "invalid_contact"),
        ({"phone": "+4930123456", "note": "half \ud800"}, "invalid_contact"),
    ],
)
def test_a_contact_that_reaches_nobody_is_refused(traits: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as refused:
        personal_data(traits)
    assert refused.value.code == code
    assert "ben" not in refused.value.detail


def test_a_contact_is_kept_as_it_was_written_but_for_the_number() -> None:
    said = {"email": " Ben.M@Example.com ", "phone": "0049 30 123456", "note": "a\nb", "name": ""}
    assert personal_data(said) == {
        "email": "Ben.M@Example.com",
        "phone": "+4930123456",
        "note": "a\nb",
    }
