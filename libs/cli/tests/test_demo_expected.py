"""The demo's expectations are written by hand: here they are worked out a second time."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import pytest
from goodword.commands.organisation import SAMPLE, read_document
from goodword.demo.comparing import conversion_expected, load_expected
from goodword.demo.journeys import JOURNEYS
from programs.domain.organisation import Organisation, Program
from shared_schemas.money import Money, digits_of, portion

EXPECTED = load_expected()
ORGANISATION = Organisation.model_validate(read_document(SAMPLE))  # type: ignore[arg-type]
PROGRAM_OF = {link.participant: link.program for link in ORGANISATION.links} | {"polly": "alliance"}
PROGRAMS = {program.id: program for program in ORGANISATION.programs}
TOLD_OF = {"fulfilled": 4, "declined": 2, "clawed_back": 5}  # pending … fulfilled; clawed back


def conversions() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for journey in EXPECTED["journeys"].values():
        for reference, said in journey["conversions"].items():
            yield reference, conversion_expected(said)


def minor(text: str) -> int:
    amount, currency = text.split(" ")
    return int(amount.replace(".", "")) if digits_of(currency) else int(amount)


def worth(program: Program, rule_name: str, said: Mapping[str, Any], credited: int) -> Money:
    """What a rule gives: a flat amount in proportion to what is left, or a part of the credit."""
    [rule] = [rule for rule in program.rewards if rule.name == rule_name]
    gross, refunded = minor(said["amount"]), minor(said["refunded"])
    if rule.flat is not None:
        left = Fraction(gross - refunded, gross)
        return Money.of(portion(rule.flat.amount_minor, left), rule.flat.currency)
    currency = said["amount"].split(" ")[1]
    return Money.of(portion(credited, Fraction(str(rule.percentage))), currency)


CREDITED = [(reference, said) for reference, said in conversions() if said["credits"]]


@pytest.mark.parametrize(("reference", "said"), CREDITED)
def test_credits_sum_to_the_amount_less_refunds(reference: str, said: Mapping[str, Any]) -> None:
    credited = sum(minor(amount) for amount in said["credits"].values())
    assert credited == minor(said["amount"]) - minor(said["refunded"])


@pytest.mark.parametrize(("reference", "said"), CREDITED)
def test_rewards_follow_from_the_rules(reference: str, said: Mapping[str, Any]) -> None:
    [(participant, credit)] = said["credits"].items()
    program = PROGRAMS[PROGRAM_OF[participant]]
    for whose, reward in said["rewards"].items():
        beneficiary, rule = whose.split("/")
        if reward["state"] == "fulfilled":
            assert reward["worth"] == str(worth(program, rule, said, minor(credit)))
            assert reward["paid"] == reward["worth"]
        elif reward["state"] == "clawed_back":
            before = conversion_expected({"amount": said["amount"]})
            gross = minor(said["amount"])
            assert reward["paid"] == reward["reversed"] == str(worth(program, rule, before, gross))
        else:
            assert (reward["state"], minor(reward["paid"])) == ("declined", 0)
        assert beneficiary in {one.id for one in ORGANISATION.participants} or rule == "welcome"


@pytest.mark.parametrize(("reference", "said"), CREDITED)
def test_messages_follow_from_the_rewards(reference: str, said: Mapping[str, Any]) -> None:
    revised = 1 if said["state"] == "credited" and minor(said["refunded"]) else 0
    told = sum(TOLD_OF[reward["state"]] + revised for reward in said["rewards"].values())
    hooks = len(said["rewards"]) + (said["state"] == "reversed")  # paid, then taken back
    assert said["messages"] == {"email": told, "in_app": told, "webhook": hooks}


def test_totals_are_the_sums_of_the_journeys() -> None:
    said = [one for _, one in conversions()]
    rewards = [reward for one in said for reward in one["rewards"].values()]
    messages: Counter[str] = Counter()
    for one in said:
        messages.update(one["messages"])
    totals = EXPECTED["totals"]
    assert totals["conversions"] == totals["traces_complete"] == len(said)
    assert totals["credits"] == sum(len(one["credits"]) for one in said)
    assert totals["verdicts"] == sum(one["verdict"] is not None for one in said)
    assert totals["rewards"] == len(rewards)
    assert totals["payouts"] == sum(minor(reward["paid"]) > 0 for reward in rewards)
    assert totals["messages"] == messages.total()
    assert EXPECTED["outside"]["mails"] == messages["email"]
    assert sum(EXPECTED["outside"]["webhooks"].values()) == messages["webhook"]


def test_the_provider_pays_what_the_partners_earn() -> None:
    earned: dict[str, int] = defaultdict(int)
    for _, said in conversions():
        for whose, reward in said["rewards"].items():
            beneficiary = whose.split("/")[0]
            if PROGRAM_OF.get(beneficiary) == "alliance":
                earned[beneficiary] += minor(reward["paid"])
    provider = {whose: minor(amount) for whose, amount in EXPECTED["outside"]["provider"].items()}
    assert provider == earned
    assert minor(EXPECTED["outside"]["campaign_paid"]) == earned["polly"]


def test_every_journey_is_played_and_expected() -> None:
    assert set(EXPECTED["journeys"]) == set(JOURNEYS)


def test_the_sample_has_three_groups_two_markets_and_twelve_participants() -> None:
    assert {program.group.value for program in ORGANISATION.programs} == {
        "employee",
        "customer",
        "partner",
    }
    assert {market.id: market.consent_mode.value for market in ORGANISATION.markets} == {
        "eu": "opt_in",
        "us": "opt_out",
    }
    assert len(ORGANISATION.participants) == 12
    assert {program.hold for program in ORGANISATION.programs} == {5}
    assert all(market.policy.grace <= 5 for market in ORGANISATION.markets)


def test_the_sample_names_nobody_real() -> None:
    addresses = [one.email for one in ORGANISATION.participants]
    hosts = [link.destination.split("/")[2] for link in ORGANISATION.links]
    assert all(address and address.endswith("@example.com") for address in addresses)
    assert {host.removeprefix("shop.") for host in hosts} <= {"example.com", "example.org"}
