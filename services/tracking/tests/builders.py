"""Values for tests, with defaults for everything that a test does not speak of."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from service_kit.producer import Record
from shared_schemas.envelope import Envelope
from shared_schemas.event import EventData
from shared_schemas.keys import KeyKind, api_key_hash
from shared_schemas.sealed import new_key_pair
from shared_schemas.states import LinkState
from shared_schemas.topics import TOPICS
from shared_schemas.words import ConsentMode
from tracking.domain.case import Arrival, Secrets
from tracking.domain.interpret import Kind, interpret
from tracking.domain.native import IDEMPOTENCY_KEY
from tracking.domain.outcome import Outcome
from tracking.domain.tables import ApiKey, DayKey, Link, Policy
from tracking.domain.token import LinkToken, TokenKeys
from tracking.settings import TrackingSettings
from tracking.store.registry import Registry

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
MATCH_KEY = "m4tch-k3y-of-this-test-only"
PEPPER = "p3pp3r-of-this-test-only-ok"
TOKEN_SECRET = "t0k3n-s1gner-of-this-test"
SECRET_KEY = "gw_sk_test-server"
PUBLISHABLE_KEY = "gw_pk_test-page"
CLICK_ID = "0123456789abcdef0123456789abcdef"
PRIVATE_DAY_KEY, PUBLIC_DAY_KEY = new_key_pair()
TOKENS = TokenKeys(TOKEN_SECRET)
SECRETS = Secrets(MATCH_KEY, TOKENS)


def settings(**changes: object) -> TrackingSettings:
    """Settings that start."""
    given: dict[str, object] = {
        "operator_token": "0perator-of-this-test-only",
        "match_key": MATCH_KEY,
        "key_pepper": PEPPER,
        "token_secret": TOKEN_SECRET,
    }
    return TrackingSettings(**(given | changes))  # type: ignore[arg-type]


def link(code: str = "anna", **changes: object) -> Link:
    """An active link of the opt-out market."""
    given: dict[str, object] = {
        "revision": 1,
        "program_id": "friends",
        "market_id": "us",
        "destination": "https://shop.example.com/welcome?utm=ref#offer",
        "state": LinkState.ACTIVE,
    }
    return Link(code=code, **(given | changes))  # type: ignore[arg-type]


def policy(market_id: str = "us", **changes: object) -> Policy:
    """An opt-out market, in force for long."""
    given: dict[str, object] = {
        "version": 1,
        "effective_at": NOW - timedelta(days=100),
        "consent_mode": ConsentMode.OPT_OUT,
        "language": "en",
        "currency": "USD",
    }
    return Policy(market_id=market_id, **(given | changes))  # type: ignore[arg-type]


def key(raw: str = SECRET_KEY, **changes: object) -> ApiKey:
    """A key of the opt-out market, by its raw text."""
    kind = KeyKind.SECRET if raw.startswith("gw_sk") else KeyKind.PUBLISHABLE
    given: dict[str, object] = {
        "key_id": f"key-{kind}",
        "revision": 1,
        "hash": api_key_hash(PEPPER, raw),
        "kind": kind,
        "source": f"shop/{kind}",
        "market_id": "us",
        "valid_from": NOW - timedelta(days=1),
    }
    return ApiKey(**(given | changes))  # type: ignore[arg-type]


def day_key() -> DayKey:
    """The key of the day."""
    return DayKey(
        key_id="day-2026-11-22",
        revision=1,
        public_key=PUBLIC_DAY_KEY,
        valid_from=NOW - timedelta(hours=12),
        expires_at=NOW + timedelta(hours=12),
    )


def registry(*entries: object, complete: bool = True) -> Registry:
    """Two markets (`us` opt-out, `de` opt-in), a link in each, a key of each kind, a day key."""
    known = Registry()
    german = policy("de", consent_mode=ConsentMode.OPT_IN, language="de", currency="EUR")
    links = (link(), link("berta", market_id="de"))
    keys = (key(), key(PUBLISHABLE_KEY), day_key())
    known.learn((*links, policy(), german, *keys, *entries))  # type: ignore[arg-type]
    known.complete = complete
    return known


def arrival(raw_key: str = SECRET_KEY, **changes: object) -> Arrival:
    """Something that came in now, with a secret key unless told otherwise."""
    given: dict[str, object] = {
        "key": key(raw_key),
        "received_at": NOW,
        "tables": registry(),
        "secrets": SECRETS,
    }
    if raw_key == PUBLISHABLE_KEY:
        given |= {"network": "192.0.2.0/24", "agent": "Browser/1"}
    return Arrival(**(given | changes))  # type: ignore[arg-type]


def token(code: str = "anna", **changes: object) -> str:
    """A link token's text, of a click an hour ago."""
    given: dict[str, object] = {
        "click_id": CLICK_ID,
        "clicked_at": (NOW - timedelta(hours=1)).replace(microsecond=0),
        "expires_at": (NOW + timedelta(days=30)).replace(microsecond=0),
    }
    return TOKENS.sign(LinkToken(code=code, **(given | changes)))  # type: ignore[arg-type]


def order(**changes: object) -> dict[str, object]:
    """A track call of a sale; keyword arguments replace whole fields."""
    given: dict[str, object] = {
        "messageId": "m-1",
        "event": "Order Completed",
        "userId": "customer-1",
        "anonymousId": "visitor-1",
        "properties": {"order_id": "order-1", "total": "49.90", "currency": "EUR"},
    }
    return given | changes


def decide(
    message: dict[str, object],
    by: Arrival | None = None,
    kind: str = "track",
    idempotency_key: str | None = None,
) -> Outcome:
    """The outcome of a message, or of a call of our own."""
    return interpret(
        message,
        Kind(kind),
        by or arrival(),
        fresh_id="fresh-1",
        beside={IDEMPOTENCY_KEY: idempotency_key},
        sent_at=None,
    )


def decoded(record: Record) -> tuple[Envelope, EventData]:
    """A record as a consumer reads it, by the contract."""
    envelope = Envelope.from_headers(record.headers)
    model = TOPICS.model(envelope.event_type)
    assert model is not None
    assert record.body is not None
    return envelope, model.model_validate_json(record.body)


class Broker:
    """Kafka as tracking sees it, in memory. `errors` are answered in turn, then it is well."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.errors: list[Exception] = []
        self.away = False

    async def send_all(
        self, records: Sequence[Record], *, deadline_seconds: float
    ) -> list[Exception | None]:
        """Take records in; while `away`, fail as the kit's producer does without a broker."""
        if self.away:
            raise ConnectionError("no broker")
        answers: list[Exception | None] = []
        for record in records:
            answers.append(self.errors.pop(0) if self.errors else None)
            if answers[-1] is None:
                self.records.append(record)
        return answers

    def events(self) -> list[tuple[Envelope, EventData]]:
        """Everything taken, by the contract."""
        return [decoded(record) for record in self.records]
