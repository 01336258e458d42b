"""What notifications hear, and what they send, on a real database with a real mail server."""

from datetime import UTC, datetime, timedelta

import pytest
from service_kit.testing import Harness
from shared_schemas import ids
from shared_schemas.events.notifications import MessageFailed, MessageSent, MessageUnknown
from shared_schemas.events.rewards import RewardApproved

from .builders import MAILBOX_HASH, NOW, linked, login, market, participant, rewarded
from .conftest import House
from .outside import Inbox

pytestmark = pytest.mark.real


async def known(house: House) -> None:
    await house.harness.hear_table(market(), participant())
    await house.harness.deliver(house.people.contact("ann"))


def channels(events: list) -> list[tuple[str, str]]:
    return [(e.data.channel.value, e.data.delivery_id) for e in events]


async def test_a_reward_is_told_in_app_at_once_and_by_mail(house: House) -> None:
    await known(house)
    await house.harness.deliver(rewarded())
    in_app = ids.delivery_id("ann", "in_app", "rewards", "e1")
    assert channels(house.harness.emitted(MessageSent)) == [("in_app", in_app)]
    await house.send()
    by_mail = ids.delivery_id("ann", "email", "rewards", "e1")
    all_sent = await house.harness.emitted_all(MessageSent)
    assert channels(all_sent) == [("in_app", in_app), ("email", by_mail)]
    assert all_sent[1].data.language == "en"
    assert {e.envelope.causation_id for e in all_sent} == {"e1"}
    (mail,) = house.inbox.mails
    assert house.inbox.recipients == ["ann@example.com"]
    assert mail["Subject"] == "A reward of €12.50 is on its way"
    assert mail["Message-ID"] == f"<{by_mail}@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"].startswith("<https://mail.example.com/unsubscribe/")
    assert "https://hub.example.com/conversions/c1" in mail.get_body(["plain"]).get_content()
    assert "https://hub.example.com/conversions/c1" in mail.get_body(["html"]).get_content()


async def test_redelivery_and_replay_without_the_inbox_change_and_send_nothing(
    house: House,
) -> None:
    await known(house)
    await house.endpoint()
    events = [rewarded(n, at=datetime.now(UTC)) for n in (1, 2, 3)]
    await house.harness.deliver(*events, linked(), house.people.contact(MAILBOX_HASH))
    await house.send()
    before = await house.harness.snapshot()
    assert len(house.inbox.mails) == 3
    await house.harness.deliver(*events)
    await house.harness.fetch("DELETE FROM kit.inbox")
    await house.harness.deliver(*reversed(events), linked())
    assert house.harness.emitted() == []
    await house.send()
    assert await house.harness.snapshot() == before
    assert (len(house.inbox.mails), len(house.target.requests)) == (3, 3)


async def test_a_mail_waits_for_a_contact_and_goes_once_it_is_there(house: House) -> None:
    await house.harness.deliver(rewarded())
    await house.send()
    assert await house.state("email") == [("due", "no_contact", 0)]
    await house.harness.deliver(house.people.contact("ann"))
    await house.send()
    assert await house.state("email") == [("sent", "", 1)]


async def test_a_mail_without_contact_fails_at_its_age(house: House) -> None:
    await house.harness.deliver(rewarded(at=NOW - timedelta(days=4)))
    await house.send()
    assert await house.state("email") == [("failed", "no_contact", 0)]
    (failed,) = await house.harness.emitted_all(MessageFailed)
    assert failed.data.reason == "no_contact"


async def test_a_referee_is_reached_by_the_mailbox_of_a_trusted_link_only(house: House) -> None:
    await house.harness.hear_table(market(), participant("cust"))
    await house.harness.deliver(
        rewarded(beneficiary_id="cust", side="referee"),
        house.people.contact(MAILBOX_HASH, "cleo@example.com", language="de"),
        house.people.contact("cust", "other@example.com"),  # a participant of the same id
        linked(trust="publishable"),
    )
    await house.send()
    assert house.inbox.mails == []
    await house.harness.deliver(linked())
    await house.send()
    assert house.inbox.recipients == ["cleo@example.com"]
    assert house.inbox.mails[0]["Content-Language"] == "de"


async def test_a_forgotten_contact_ends_due_mails_in_either_order(house: House) -> None:
    await known(house)
    await house.harness.deliver(rewarded(1))
    await house.harness.deliver(house.people.forgotten("ann"))
    assert [e.data.reason for e in house.harness.emitted(MessageFailed)] == ["forgotten"]
    await house.harness.deliver(rewarded(2))
    await house.send()
    assert await house.state("email") == [("failed", "forgotten", 0)] * 2
    assert house.inbox.mails == []


async def test_a_destroyed_key_is_as_good_as_forgotten(house: House) -> None:
    await known(house)
    house.people.keys.clear()
    await house.harness.deliver(rewarded())
    await house.send()
    assert await house.state("email") == [("failed", "forgotten", 0)]


async def test_without_the_control_plane_mails_stay_due(house: House) -> None:
    await known(house)
    reply, house.programs.reply = house.programs.reply, None
    house.programs.answer = (503, {}, b"")
    await house.harness.deliver(rewarded())
    await house.send()
    assert await house.state("email") == [("due", "keys_unavailable", 0)]
    house.programs.reply = reply
    await due_again(house)
    assert await house.state("email") == [("sent", "", 1)]


async def due_again(house: House) -> None:
    await house.harness.fetch("UPDATE deliveries SET next_attempt_at = now() WHERE state = 'due'")
    await house.send()


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("451 later", ("due", "the mail server answered 451", 1)),
        ("554 never <ann@example.com>", ("failed", "the mail server answered 554", 1)),
    ],
)
async def test_what_the_mail_server_refuses(
    house: House, answer: str, state: tuple[str, str, int]
) -> None:
    await known(house)
    house.inbox.answer = answer
    await house.harness.deliver(rewarded())
    await house.send()
    assert await house.state("email") == [state]


async def test_a_passing_refusal_is_tried_again(house: House) -> None:
    await known(house)
    house.inbox.rcpt_answer = "450 busy"
    await house.harness.deliver(rewarded())
    await house.send()
    house.inbox.rcpt_answer = "250 OK"
    await due_again(house)
    assert await house.state("email") == [("sent", "", 2)]
    assert len(house.inbox.mails) == 1


async def test_an_answer_that_never_comes_is_unknown_and_nothing_is_sent_again(
    house: House,
) -> None:
    await known(house)
    house.inbox.hangs_up = True
    await house.harness.deliver(rewarded())
    await house.send()
    ((state, _, attempts),) = await house.state("email")
    assert (state, attempts) == ("unknown", 1)
    assert len(await house.harness.emitted_all(MessageUnknown)) == 1
    house.inbox.hangs_up = False
    await due_again(house)
    assert len(house.inbox.mails) == 1


async def test_a_login_link_is_signed_and_is_not_sent_late(house: House) -> None:
    await known(house)
    await house.harness.deliver(login())
    await house.send()
    text = house.inbox.mails[0].get_body(["plain"]).get_content()
    assert "https://hub.example.com/login/login-1." in text
    assert house.inbox.mails[0]["List-Unsubscribe"] is None
    await house.harness.deliver(login(minutes=0))
    await house.send()
    assert len(house.inbox.mails) == 1


async def test_a_batch_costs_as_many_statements_for_a_hundred_rewards_as_for_one(
    house: House,
) -> None:
    await known(house)
    await house.endpoint()
    harness: Harness = house.harness
    now = datetime.now(UTC)
    await harness.deliver(rewarded(0, at=now))
    one = harness.statements
    await harness.deliver(
        *(rewarded(n, at=now, beneficiary_id=f"p{n}", model=RewardApproved) for n in range(1, 101))
    )
    assert harness.statements == one
    assert len(harness.emitted(MessageSent)) == 100


async def test_no_address_is_in_any_table(house: House) -> None:
    inbox: Inbox = house.inbox
    await known(house)
    inbox.answer = "554 ann@example.com is not here"
    await house.harness.deliver(rewarded(), login())
    await house.send()
    tables = str(await house.harness.snapshot())
    outbox = str(await house.harness.fetch("SELECT headers, body FROM kit.outbox"))
    assert "example.com" not in tables + outbox
    assert "Müller" not in tables + outbox
