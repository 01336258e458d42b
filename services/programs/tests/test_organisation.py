"""How a document is read, and what it is told about its mistakes."""

import pytest
from programs.domain import Organisation, faults_of
from programs.domain.amounts import duration_text, money_of, seconds_of, share_of
from pydantic import ValidationError

from .builders import (
    decided,
    document,
    key,
    link,
    market,
    organisation,
    participant,
    program,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(5, 5), ("5", 5), ("5s", 5), ("15m", 900), ("2h", 7_200), ("30d", 2_592_000), ("1w", 604_800)],
)
def test_durations_are_read_exactly(text: object, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", [-1, True, 1.5, "5x", "", "-5s", None, "11000d", "٣d"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("12.50 EUR", 1_250),
        ("12.5 EUR", 1_250),
        ("7 EUR", 700),
        ("500 JPY", 500),
        ("1.234 KWD", 1_234),
    ],
)
def test_amounts_are_exact_minor_units_of_their_currency(text: str, minor: int) -> None:
    assert money_of(text).amount_minor == minor


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12.505 EUR", "has 2 decimal digits"),
        ("1.5 JPY", "has 0 decimal digits"),
        ("5 XYZ", "not an ISO 4217"),
        ("12,50 EUR", "decimal text"),
        (12.5, "decimal text"),
        ("99999999999999.99 EUR", "minor units"),
    ],
)
def test_amounts_that_a_currency_cannot_express_are_refused(text: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        money_of(text)


def test_percentages_become_exact_fractions() -> None:
    assert [share_of(text) for text in ("10%", "12.5 %", "1/8", "100%")] == [
        "1/10",
        "1/8",
        "1/8",
        "1",
    ]
    for wrong in ("0%", "101%", "ten", "2/1", 10):
        with pytest.raises(ValueError, match="percentage"):
            share_of(wrong)


def test_durations_are_told_in_the_largest_exact_unit() -> None:
    assert [duration_text(s) for s in (0, 1, 90, 120, 86_400)] == [
        "0 seconds",
        "1 second",
        "90 seconds",
        "2 minutes",
        "1 day",
    ]


@pytest.mark.parametrize(
    ("part", "where", "said"),
    [
        ({"programs": [program(hodl="5s")]}, "programs[0].hodl", "did you mean 'hold'?"),
        (
            {
                "programs": [
                    program(rewards=[{"name": "x", "triggers": ["purchsae"], "flat": "1 EUR"}])
                ]
            },
            "programs[0].rewards[0].triggers[0]",
            "did you mean 'purchase'?",
        ),
        ({"markets": [market(zone="Europe/Berln")]}, "markets[0].zone", "Europe/Berlin"),
        ({"markets": [market(currency="EURO")]}, "markets[0].currency", "not an ISO 4217"),
        ({"programs": [{"id": "x"}]}, "programs[0].name", "is missing; add it"),
        ({"participants": [participant(id=7)]}, "participants[0].id", "put it in quotes"),
        ({"participants": [participant(email="nobody")]}, "participants[0].email", "e-mail"),
        ({"participants": [participant(email=None)]}, "participants[0]", "give `email`"),
        (
            {"links": [link(destination="javascript:alert(1)")]},
            "links[0].destination",
            "begins with",
        ),
        ({"keys": [key(kind="admin", market=None, source=None)]}, "keys[0]", "actor"),
        ({"keys": [key(id="root")]}, "keys[0]", "GOODWORD_ADMIN_KEY"),
        ({"keys": [key(source="goodword/tracking")]}, "keys[0]", "our own"),
        ({"programs": 5}, "programs", "must be a list"),
        ({"programs": [5]}, "programs[0]", "must be a mapping"),
    ],
)
def test_mistakes_say_where_they_are_and_what_to_do(part: dict, where: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Organisation.model_validate(part)
    faults = faults_of(refused.value, Organisation)
    assert [fault.where for fault in faults] == [where] or where in [f.where for f in faults]
    assert said in next(fault.problem for fault in faults if fault.where == where)


def test_a_mistake_never_repeats_an_address() -> None:
    with pytest.raises(ValidationError) as refused:
        organisation(participants=[participant(email="ann example.com")])
    assert "ann" not in str(faults_of(refused.value, Organisation))


def test_an_unconfirmed_default_and_a_default_window_are_there() -> None:
    event = decided(document()).changes[0].event
    assert event.model_dump()["unconfirmed_seconds"] == 30 * 86_400
    with pytest.raises(ValidationError, match="default"):
        organisation(markets=[market(policy={"windows": {"partner": "9d"}})])
