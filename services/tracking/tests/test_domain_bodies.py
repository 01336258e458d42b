"""Bytes to messages: whatever is sent is read exactly or refused, and neighbours are unharmed."""

import gzip
import json
from decimal import Decimal

import pytest
from tracking.domain.bodies import (
    MAX_BATCH_MESSAGES,
    MAX_EVENT_BYTES,
    MAX_LEVELS,
    body_hash,
    inflated,
    read_batch,
    read_message,
)
from tracking.domain.outcome import Dropped, Refused, TooLarge

UNREADABLE = {
    "nothing": b"",
    "no object": b"[1]",
    "cut short": b'{"a":',
    "trailing": b'{"a":1} x',
    "nul": b'{"a":"\x00"}',
    "bad utf-8": b'{"a":"\xff"}',
    "surrogate in utf-8": b'{"a":"\xed\xa0\x80"}',
    "bad utf-8 name": b'{"\xff":1}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "NaN": b'{"a":NaN}',
    "long integer": b'{"a":' + b"9" * 5_000 + b"}",
    "deep": b'{"a":' + b"[" * 9_000 + b"]" * 9_000 + b"}",
    "repeated name": b'{"a":1,"a":2}',
    "repeated name inside": b'{"a":[{"b":1,"b":":"}]}',
    "repeated escaped name": b'{"a":1,"\\u0061":2}',
}


@pytest.mark.parametrize(("lists", "is_taken"), [(MAX_LEVELS - 2, True), (MAX_LEVELS, False)])
@pytest.mark.parametrize("escape", [b"", b"\\ud83d\\ude00"], ids=["quick", "slow"])
def test_a_message_may_be_nested_so_deep(lists: int, is_taken: bool, escape: bytes) -> None:
    body = b'{"a":' + b"[" * lists + b"]" * lists + b',"b":"' + escape + b'"}'
    if is_taken:
        assert read_message(body)["a"] is not None
    else:
        with pytest.raises(Refused, match="nested"):
            read_message(body)


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_not_strict_json_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        read_message(UNREADABLE[name])


def test_numbers_keep_their_digits() -> None:
    read = read_message(b'{"a":1.10,"b":9223372036854775808,"c":"x:y","d:":{"e":[":"]}}')
    assert read == {"a": Decimal("1.10"), "b": 2**63, "c": "x:y", "d:": {"e": [":"]}}


def test_escaped_colons_are_no_repetition() -> None:
    assert read_message(b'{"a\\u003a":"\\u003a"}') == {"a:": ":"}


def test_half_a_surrogate_pair_is_read_but_not_hashed() -> None:
    message = read_message(b'{"a":"\\ud800"}')
    with pytest.raises(Refused):
        body_hash(message, "track")


def test_gzip_is_recognised_by_itself() -> None:
    assert inflated(gzip.compress(b'{"a":1}'), 100) == b'{"a":1}'


@pytest.mark.parametrize(
    "body",
    [
        b"\x1f\x8b",
        b"\x1f\x8bgarbage",
        gzip.compress(b"{}", mtime=0)[:-1],
        gzip.compress(b"{}", mtime=0) + b"more",
    ],
)
def test_bad_gzip_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        inflated(body, 100)


def test_a_gzip_bomb_is_not_inflated() -> None:
    with pytest.raises(TooLarge):
        inflated(gzip.compress(b" " * 50_000_000), 500_000)


def test_a_batch_gives_its_messages_unread() -> None:
    batch = read_batch(b'{"batch":[{"a":1}, 7 ,null],"sentAt":"now","context":{"x":{"y":1}}}')
    assert batch.beside == {"sentAt": "now", "context": {"x": {"y": 1}}}
    assert read_message(batch.messages[0]) == {"a": 1}
    for bad in batch.messages[1:]:
        with pytest.raises(Refused):
            read_message(bad)


NEIGHBOURS = {
    "surrogate": b'{"a":"\\ud800"}',
    "repeated name": b'{"a":1,"a":2}',
    "surrogate and repeated name": b'{"a":"\\ud800","b":{"c":1,"c":2}}',
    "deep": b"[" * 500 + b"]" * 500,
    "long integer": b'{"a":' + b"9" * 5_000 + b"}",
    "too large": b'{"a":"' + b"x" * MAX_EVENT_BYTES + b'"}',
    "too large with surrogate": b'{"a":"\\ud800' + b"x" * MAX_EVENT_BYTES + b'"}',
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_a_bad_message_leaves_its_neighbours_alone(name: str) -> None:
    messages = read_batch(b'{"batch":[{"a":1},' + NEIGHBOURS[name] + b',{"b":2}]}').messages
    assert read_message(messages[0]) == {"a": 1}
    assert read_message(messages[2]) == {"b": 2}
    with pytest.raises(Dropped):
        body_hash(read_message(messages[1]), "track")


@pytest.mark.parametrize(
    "body",
    [
        *UNREADABLE.values(),
        b"{}",
        b'{"batch":{}}',
        b'{"batch":[{"a":tru}]}',
        b'{"batch":[],"batch":[{}]}',
        b'{"batch":[],"context":{"a":1,"a":2}}' + b" " * 600_000,
        b'{"batch":[' + b"1," * MAX_BATCH_MESSAGES + b"1]}",
    ],
)
def test_a_batch_that_cannot_be_read_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Refused):
        read_batch(body)


def test_the_hash_is_of_the_meaning_not_of_the_delivery() -> None:
    first = {"userId": "u", "properties": {"a": Decimal("1.50"), "b": 1}, "sentAt": "1"}
    first["context"] = {"library": {"version": "1"}, "ip": "192.0.2.1"}
    again = json.dumps(
        {
            "writeKey": "k",
            "context": {"ip": "192.0.2.1", "library": {"version": "2"}},
            "properties": {"b": 1, "a": 1.5},
            "userId": "u",
            "type": "track",
        }
    )
    renewed = read_message(again.replace("1.5}", "1.50}").encode())
    assert body_hash(first, "track") == body_hash(renewed, "track")
    assert body_hash(first, "track") != body_hash(first, "page")
    assert body_hash(first, "track") != body_hash(first | {"userId": "v"}, "track")
