"""Who is told what, when it is tried again, where a webhook may go: decisions without any I/O."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notifications.domain import schedule, tokens
from notifications.domain.delivery import (
    Outcome,
    Preference,
    Subscription,
    message_of,
    settled,
    told,
)
from notifications.domain.targets import TargetRefused, check_address, check_url
from notifications.senders.smtp import SmtpServer
from shared_schemas import ids
from shared_schemas.states import IllegalTransition, MessageState

from .builders import NOW, notice, reward

HOOK = Subscription("hook", frozenset(), NOW, None)


def test_a_reward_is_told_on_every_channel_with_ids_that_follow_from_the_event() -> None:
    made = told(notice(), reward(), Preference.EACH, [HOOK], None)
    assert [(one.channel, one.subject, one.state) for one in made] == [
        ("in_app", "ann", MessageState.SENT),
        ("email", "ann", MessageState.DUE),
        ("webhook", "hook", MessageState.DUE),
    ]
    assert made[1].delivery_id == ids.delivery_id("ann", "email", "rewards", "e1")
    assert made == told(notice(), reward(), Preference.EACH, [HOOK], None)


@pytest.mark.parametrize(
    ("subscription", "wanted"),
    [
        (HOOK, True),
        (replace(HOOK, event_types=frozenset({"reward.pending.v1"})), True),
        (replace(HOOK, event_types=frozenset({"reward.approved.v1"})), False),
        (replace(HOOK, since=NOW + timedelta(seconds=1)), False),
        (replace(HOOK, until=NOW), False),
    ],
)
def test_a_subscription_wants_its_types_within_its_time(
    subscription: Subscription, wanted: bool
) -> None:
    assert subscription.wants("reward.pending.v1", NOW) is wanted


def test_who_wants_no_mail_is_told_so_by_a_failed_delivery() -> None:
    mail = told(notice(), reward(), Preference.NONE, [], None)[1]
    message = message_of(mail)
    assert message is not None
    assert (message.TYPE, message.reason) == ("message.failed.v1", "unsubscribed")


def test_a_digest_s_part_waits_for_its_hour() -> None:
    at = NOW + timedelta(hours=3)
    mail = told(notice(), reward(), Preference.DIGEST, [], at)[1]
    assert (mail.digest_at, mail.state) == (at, MessageState.DUE)


def test_a_settled_delivery_has_a_new_revision_and_never_goes_back() -> None:
    mail = told(notice(), reward(), Preference.EACH, [], None)[1]
    sent = settled(mail, Outcome(MessageState.SENT, language="de"), NOW)
    assert (sent.revision, sent.attempts, sent.language) == (2, 1, "de")
    with pytest.raises(IllegalTransition):
        settled(sent, Outcome(MessageState.DUE, retry_at=NOW), NOW)


def test_what_would_be_tried_again_too_late_fails() -> None:
    mail = told(notice(), reward(), Preference.EACH, [], None)[1]
    late = settled(mail, Outcome(MessageState.DUE, "no_contact", mail.expires_at), NOW)
    assert (late.state, late.reason) == (MessageState.FAILED, "no_contact")


def test_webhooks_are_tried_ten_times_over_four_days() -> None:
    moment, pauses = NOW, []
    for failures in range(1, 10):
        following = schedule.webhook_retry_at("d1", failures, moment)
        assert following is not None
        pauses.append((following - moment).total_seconds())
        moment = following
    assert schedule.webhook_retry_at("d1", 10, moment) is None
    for pause, least in zip(pauses, schedule.WEBHOOK_RETRY_SECONDS, strict=True):
        assert least <= pause <= least * 1.1


@given(st.text(max_size=20), st.integers(1, 200))
def test_pauses_are_bounded_and_the_same_again(delivery_id: str, failures: int) -> None:
    first = schedule.mail_retry_at(delivery_id, failures, NOW)
    assert first == schedule.mail_retry_at(delivery_id, failures, NOW)
    assert timedelta(seconds=2) <= first - NOW <= timedelta(seconds=990)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("99999999999", 86_400),
        ("Mon, 02 Nov 2026 12:01:00 GMT", 60),
        ("Mon, 02 Nov 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: int | None) -> None:
    now = datetime(2026, 11, 2, 12, tzinfo=UTC)
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert schedule.retry_after_of(header, now) == expected


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        ("2026-11-02T06:59:59Z", "Europe/Berlin", "2026-11-02T07:00:00Z"),
        ("2026-11-02T07:00:00Z", "Europe/Berlin", "2026-11-03T07:00:00Z"),
        ("2026-10-24T12:00:00Z", "Europe/Berlin", "2026-10-25T07:00:00Z"),  # summer time ends
        ("2026-11-02T06:00:00Z", "Asia/Tokyo", "2026-11-02T23:00:00Z"),
    ],
)
def test_a_digest_goes_out_at_eight_in_the_market(now: str, zone: str, expected: str) -> None:
    assert schedule.next_digest_at(datetime.fromisoformat(now), zone) == datetime.fromisoformat(
        expected
    )


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "2001:0:a00:1::1",
        "ff02::1",
    ],
)
def test_a_webhook_never_goes_into_our_own_network(address: str) -> None:
    with pytest.raises(TargetRefused):
        check_address(address, allow_loopback=False)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_webhook_goes_to_public_addresses(address: str) -> None:
    assert check_address(address, allow_loopback=False) == address


def test_loopback_is_by_explicit_setting_and_nothing_else_comes_with_it() -> None:
    assert check_address("127.0.0.1", allow_loopback=True)
    with pytest.raises(TargetRefused):
        check_address("10.0.0.1", allow_loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://user:pass@hooks.example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/#x",
        "https://hooks.example.com:99999/",
        "https://[::1",
        "https:///path",
        "ftp://hooks.example.com/",
        "https://hööks.example.com/",
        "x",
        "https://hooks.example.com/" + "x" * 2_000,
    ],
)
def test_an_endpoint_s_url_is_a_plain_https_one(url: str) -> None:
    with pytest.raises(TargetRefused):
        check_url(url, allow_loopback=False)


@given(st.text(min_size=1, max_size=200, alphabet=st.characters(blacklist_categories=["Cs"])))
def test_an_unsubscribe_token_is_for_one_subject(subject: str) -> None:
    token = tokens.unsubscribe_token("secret", subject)
    assert tokens.unsubscribing("secret", token) == subject
    assert tokens.unsubscribing("other", token) is None


@given(st.text(max_size=60))
def test_no_other_text_is_a_token(text: str) -> None:
    assert tokens.unsubscribing("secret", text) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 25, None, False, None)),
        (
            "smtp://mail.example.com:587?starttls=require",
            ("mail.example.com", 587, None, False, True),
        ),
        ("smtps://me%40x:p@mail.example.com", ("mail.example.com", 465, "me@x", True, False)),
    ],
)
def test_a_mail_server_s_url(url: str, expected: tuple[object, ...]) -> None:
    server = SmtpServer.of(url)
    shown = (server.host, server.port, server.username, server.use_tls, server.start_tls)
    assert shown == expected


@pytest.mark.parametrize("url", ["mail.example.com:25", "http://mail", "smtp://x?starttls=maybe"])
def test_what_is_no_mail_server_s_url(url: str) -> None:
    with pytest.raises(ValueError, match="expected smtp"):
        SmtpServer.of(url)
