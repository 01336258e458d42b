"""What the table topics say, as entries of the registry."""

from datetime import timedelta

import pytest
from service_kit.events import Event
from shared_schemas.envelope import Envelope
from shared_schemas.event import EventData
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    KeyIssued,
    KeyRevoked,
    LinkIssued,
    LinkParameter,
    LinkPeriod,
    LinkRevoked,
    LinkTarget,
    ProgramPaused,
)
from shared_schemas.keys import KeyKind
from shared_schemas.states import LinkState
from shared_schemas.words import AttributionModel, ConsentMode
from tracking.domain.tables import Target
from tracking.handlers import entry_of, remember
from tracking.store.registry import Registry

from .builders import NOW, PUBLIC_DAY_KEY, day_key, key, link, policy

ISSUED = LinkIssued(
    code="anna",
    revision=1,
    program_id="friends",
    market_id="us",
    destination="https://shop.example.com/welcome?utm=ref#offer",
    issued_at=NOW,
    history=(LinkPeriod(from_at=NOW, participant_id="anna"),),
)
REVOKED = LinkRevoked(**(ISSUED.model_dump() | {"revision": 2, "revoked_at": NOW}))
LEADS = ISSUED.model_copy(
    update={
        "targets": (LinkTarget(destination="https://shop.example.com/\u00e4?b=1", language="de"),),
        "parameters": (
            LinkParameter(name="utm_source", value="friends & family"),
            LinkParameter(name="page", value="/x?y#\r\n"),
        ),
    }
)
ADDED = "utm_source=friends%20%26%20family&page=%2Fx%3Fy%23%0D%0A"
POLICY = AttributionPolicyActivated(
    market_id="us",
    version=1,
    effective_at=NOW - timedelta(days=100),
    activated_at=NOW,
    currency="USD",
    language="en",
    zone="America/New_York",
    consent_mode=ConsentMode.OPT_OUT,
    model=AttributionModel.LAST,
    windows=(),
    grace_seconds=0,
    actor="operator",
)
KEY = KeyIssued(
    key_id="key-secret",
    revision=1,
    kind=KeyKind.SECRET,
    source="shop/secret",
    hash=key().hash,
    market_id="us",
    valid_from=NOW - timedelta(days=1),
)
DAY_KEY = KeyIssued(
    key_id="day-2026-11-22",
    revision=1,
    kind=KeyKind.DAY,
    public_key=PUBLIC_DAY_KEY,
    valid_from=NOW - timedelta(hours=12),
    expires_at=NOW + timedelta(hours=12),
)


@pytest.mark.parametrize(
    ("data", "entry"),
    [
        (ISSUED, link()),
        (
            LEADS,
            link(
                destination=f"https://shop.example.com/welcome?utm=ref&{ADDED}#offer",
                targets=(
                    Target(
                        destination=f"https://shop.example.com/%C3%A4?b=1&{ADDED}", language="de"
                    ),
                ),
            ),
        ),
        (REVOKED, link(revision=2, state=LinkState.REVOKED)),
        (POLICY, policy()),
        (KEY, key()),
        (KEY.model_copy(update={"source": None}), key(source="key/key-secret")),
        (KEY.model_copy(update={"hash": None}), None),
        (DAY_KEY, day_key()),
        (DAY_KEY.model_copy(update={"public_key": None}), None),
        (ProgramPaused(program_id="p", revision=1, effective_at=NOW, actor="o"), None),
    ],
)
def test_a_record_is_an_entry(data: EventData, entry: object) -> None:
    assert entry_of(data) == entry


def delivered(data: EventData) -> Event[EventData]:
    envelope = Envelope(event_id="1", event_type=data.TYPE, source="programs", time=NOW)
    return Event(envelope, "programs.keys", 0, 0, None, data, b"")


async def test_reading_the_tables_twice_changes_nothing() -> None:
    known = Registry()
    revocation = KeyRevoked(key_id="key-secret", revision=2, kind=KeyKind.SECRET, revoked_at=NOW)
    heard = [delivered(data) for data in (ISSUED, POLICY, KEY, DAY_KEY, revocation, REVOKED)]
    await remember(known, heard)
    once = list(known)
    known.changed.clear()
    await remember(known, heard)
    assert list(known) == once
    assert not known.changed.is_set()
