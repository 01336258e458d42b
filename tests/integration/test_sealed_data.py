"""Names and addresses: nowhere but in the mails themselves, and gone with their key."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from goodword.commands.organisation import applied
from goodword.platform import Running

from .looking import WITH_DATABASE, database, records, rows, topics
from .shop import Shop, identify, new_visitor, order, unique

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

MARK = uuid4().hex[:8]
GIVEN, FAMILY = f"Quirin{MARK}", f"Ährenfeld{MARK}"
LOCAL_PARTS = {who: f"{who}.{MARK}.box" for who in ("referrer", "customer", "stray")}
ADDRESSES = {who: f"{local}@example.org" for who, local in LOCAL_PARTS.items()}
PARTICIPANT, CODE = f"p-{MARK}-x", f"SEAL{MARK.upper()}X"


def _participant() -> dict[str, object]:
    """A participant with a mailbox and a name, and a link of theirs."""
    return {
        "participants": [
            {
                "id": PARTICIPANT,
                "group": "employee",
                "market": "us",
                "email": ADDRESSES["referrer"],
                "name": f"{GIVEN} {FAMILY}",
            }
        ],
        "links": [
            {
                "code": CODE,
                "program": "staff",
                "market": "us",
                "participant": PARTICIPANT,
                "destination": "https://shop.example.com/",
            }
        ],
    }


async def _story(shop: Shop, customer: str, reference: str) -> None:
    """Addresses and names come in where clients put them, also where they should not."""
    visitor, stray = new_visitor(), ADDRESSES["stray"]
    token = await shop.click(CODE, visitor, query=f"?email={stray}&name={GIVEN}")
    page = f"https://shop.example.com/{stray}/?gw={token}&email={stray}"
    person = {"email": ADDRESSES["customer"], "name": f"{GIVEN} {FAMILY}", "firstName": GIVEN}
    bought = order(reference, customer, "40.00", visitor=visitor, traits={"email": stray})
    bought["properties"] |= {"email": stray, "note": f"for {GIVEN} {FAMILY}"}
    opened = {
        "type": "page",
        "messageId": uuid4().hex,
        "anonymousId": visitor,
        "context": {"page": {"url": page}},
    }
    await shop.batch([identify(visitor, customer, **person), opened, bought])
    refused = await shop.http.post(
        f"{shop.platform.url('tracking')}/v1/track",
        json=order(unique("o"), stray, "1.00"),
        auth=(shop.platform.keys["server"], ""),
    )
    assert refused.status_code == 400, "an address is nobody's id"


@pytest.fixture(scope="module")
def needles() -> dict[str, bytes]:
    """What may lie nowhere, in the forms in which bytes and rows would hold it."""
    plain = [*ADDRESSES.values(), *LOCAL_PARTS.values(), GIVEN, FAMILY]
    escaped = [word.encode("unicode_escape").decode() for word in plain]
    hexed = [word.encode().hex() for word in plain]
    forms = zip((*plain, *plain, *plain), (*plain, *escaped, *hexed), strict=True)
    return {f"{word} as {form}": form.lower().encode() for word, form in forms}


async def test_no_name_or_address_lies_anywhere_and_forgetting_destroys_the_key(
    shop: Shop, needles: dict[str, bytes]
) -> None:
    await asyncio.to_thread(applied, shop.platform.state, _participant())
    await shop.settled()
    customer, reference = unique("c"), unique("o")
    await _story(shop, customer, reference)
    await shop.settled()
    assert await shop.rewards(reference) == {PARTICIPANT: ("fulfilled", 200)}
    assert _mails_to(shop.platform, "referrer") > 0
    assert await _hits(shop.platform, needles) == {}
    await _check_the_scan(shop.platform)
    await _forget_and_try_again(shop)
    assert await _hits(shop.platform, needles) == {}


async def _check_the_scan(platform: Running) -> None:
    """It finds what may lie there: a participant's id, in records and rows, plain and as bytes."""
    forms = {"plain": PARTICIPANT.encode(), "bytes": PARTICIPANT.encode().hex().encode()}
    found = await _hits(platform, forms)
    topic = f"{platform.topic_prefix}rewards.rewards/"
    assert any(place.startswith(topic) for place in found["plain"])
    assert "rewards.public.rewards" in found["plain"]
    assert "hub.public.spans" in {place for place, _ in await _rows(platform)}
    assert any("kit.outbox" in place for place in found["bytes"])
    assert any(place.endswith(".log") for place, _ in _files(platform))


async def _forget_and_try_again(shop: Shop) -> None:
    before = _mails_to(shop.platform, "referrer")
    key_id = (await _programs(shop, "GET", f"/v1/subjects/{PARTICIPANT}"))["key_id"]
    assert list(await _keys(shop, key_id)) == [key_id]
    forgotten = await _programs(
        shop, "POST", f"/v1/subjects/{PARTICIPANT}/forget", json={"reason": "asked for it"}
    )
    assert forgotten["forgotten_at"] is not None
    assert await _keys(shop, key_id) == {}
    await shop.settled()
    reference = unique("o")
    await shop.batch([order(reference, unique("c"), "40.00", code=CODE)])
    await shop.settled()
    assert await shop.rewards(reference) == {PARTICIPANT: ("fulfilled", 200)}
    told = await shop.told("/api/deliveries", participant=PARTICIPANT, limit=100)
    bodies = [row["body"] for row in told["deliveries"]]
    newest = [body for body in bodies if body["channel"] == "email" and body["state"] == "failed"]
    assert newest
    assert {body["reason"] for body in newest} == {"forgotten"}
    assert _mails_to(shop.platform, "referrer") == before


async def _programs(shop: Shop, method: str, path: str, **asked: Any) -> Any:
    answer = await shop.http.request(
        method, f"{shop.platform.url('programs')}{path}", headers=shop.as_root, **asked
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _keys(shop: Shop, key_id: str) -> dict[str, str]:
    """What the control plane still has, asked as notifications asks."""
    answer = await shop.http.post(
        f"{shop.platform.url('programs')}/v1/contact-keys",
        json={"key_ids": [key_id]},
        headers={"authorization": f"Bearer {shop.platform.secrets.contact_token}"},
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def _mails_to(platform: Running, who: str) -> int:
    return sum(ADDRESSES[who] in mail.recipients for mail in platform.mail.mails)


async def _hits(platform: Running, needles: dict[str, bytes]) -> dict[str, list[str]]:
    """Where each of the words lies: records, rows (spans are rows of the hub's), files."""
    places = [*_files(platform), *await _records(platform), *await _rows(platform)]
    found: dict[str, list[str]] = {}
    for place, content in places:
        for word in _in(content, needles):
            found.setdefault(word, []).append(place)
    return found


def _in(content: bytes, needles: dict[str, bytes]) -> Iterator[str]:
    """Case does not matter; beyond ASCII it is lost in neither form."""
    lowered = content.decode("utf-8", "surrogateescape").lower().encode("utf-8", "surrogateescape")
    return (word for word, needle in needles.items() if needle in lowered)


def _files(platform: Running) -> Iterable[tuple[str, bytes]]:
    """Every file of the install, but for the mails, which are what all this is for."""
    for path in platform.state.rglob("*"):
        if path.is_file() and "mail" not in path.relative_to(platform.state).parts:
            yield str(path), path.read_bytes()


async def _records(platform: Running) -> list[tuple[str, bytes]]:
    """Every record, its key and its headers."""
    return [
        (
            f"{record.topic}/{record.partition}/{record.offset}",
            b"\n".join(
                part
                for part in (
                    record.key,
                    record.value,
                    *(name.encode() for name, _ in record.headers),
                    *(value for _, value in record.headers),
                )
                if part is not None
            ),
        )
        for record in await records(platform, *await topics(platform))
    ]


async def _rows(platform: Running) -> list[tuple[str, bytes]]:
    found = []
    for service in WITH_DATABASE:
        async with database(platform, service) as connection:
            found += [(f"{service}.{table}", row.encode()) async for table, row in rows(connection)]
    return found
