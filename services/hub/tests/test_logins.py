"""One-time links and sessions, as far as they are pure."""

import hmac
from hashlib import sha256

import pytest
from hub.domain.logins import Role, Session, is_signed, session_hash, signature
from hub.settings import Settings
from pydantic import ValidationError

OPERATOR = Session("operator", Role.OPERATOR, "csrf")
ADA = Session("ada", Role.PARTICIPANT, "csrf", customer_id="cust-12")


def test_a_link_is_signed_as_whoever_mails_it_signs_it() -> None:
    expected = hmac.new(b"secret", b"login\x1fabc", sha256).hexdigest()
    assert signature("secret", "abc") == expected
    assert is_signed("secret", "abc", expected)


@pytest.mark.parametrize("given", ["", "0" * 64, "ü", signature("other", "abc")])
def test_any_other_signature_is_refused(given: str) -> None:
    assert not is_signed("secret", "abc", given)


def test_an_operator_sees_everything() -> None:
    assert OPERATOR.only is None
    assert OPERATOR.may_see(())


def test_a_participant_is_also_the_customer_that_they_are() -> None:
    assert ADA.only == ("ada", "cust-12")
    assert ADA.may_see(("cust-12",))
    assert not ADA.may_see(("bob",))
    assert not ADA.may_see(())


def test_a_session_id_is_not_kept() -> None:
    assert session_hash("id") == sha256(b"id").hexdigest()


@pytest.mark.parametrize(
    "url", ["https://hub.example.com", "http://localhost", "http://127.0.0.1:8082"]
)
def test_people_are_reached_by_https_or_on_this_machine(url: str) -> None:
    secrets = {"operator_token": "a-token-of-a-test", "login_secret": "login-secret-of-a-test"}
    assert Settings(public_url=url, **secrets).public_url == url


@pytest.mark.parametrize(
    "url",
    ["http://hub.example.com", "http://localhost.example.com", "http://localhost@example.com", "x"],
)
def test_no_session_travels_in_the_clear(url: str) -> None:
    secrets = {"operator_token": "a-token-of-a-test", "login_secret": "login-secret-of-a-test"}
    with pytest.raises(ValidationError):
        Settings(public_url=url, **secrets)
