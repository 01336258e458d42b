"""Errors become problem documents; what is the caller's fault is 4xx, what is away is 503."""

import json

import asyncpg
import msgspec
import pydantic
import pytest
from aiokafka.errors import KafkaConnectionError
from litestar.exceptions import ClientException, InternalServerException, NotFoundException
from service_kit.problems import Rejected, Transient, problem_of


class LinkRevoked(Rejected):
    """The link was taken back."""

    status = 410
    title = "This link was revoked"


class Order(pydantic.BaseModel):
    """What the errors below are about."""

    lines: list[int]


class Basket(msgspec.Struct):
    """The same, as a struct."""

    lines: list[int]


def document(error: Exception) -> dict[str, object]:
    problem = problem_of(error)
    found = json.loads(problem.to_json())
    assert found["status"] == problem.status
    return found


def invalid_model() -> pydantic.ValidationError:
    with pytest.raises(pydantic.ValidationError) as caught:
        Order.model_validate({"lines": [1, "ada@example.com"]})
    return caught.value


def invalid_struct() -> msgspec.ValidationError:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"lines": [1, "x"]}, Basket)
    return caught.value


def test_a_rejection_says_what_and_why() -> None:
    assert document(LinkRevoked("It was revoked in May.", fields={"code": "revoked"})) == {
        "type": "/problems/link-revoked",
        "title": "This link was revoked",
        "status": 410,
        "detail": "It was revoked in May.",
        "fields": {"code": "revoked"},
    }


def test_a_rejection_needs_no_class_of_its_own() -> None:
    found = document(Rejected(status=409, type="id-reused", title="Same id, other body"))
    assert found == {"type": "/problems/id-reused", "title": "Same id, other body", "status": 409}


def test_what_is_away_is_to_be_tried_again() -> None:
    problem = problem_of(Transient("the spool is full", retry_after_seconds=7))
    assert (problem.status, problem.headers) == (503, {"Retry-After": "7"})


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.CannotConnectNowError("x"),
        asyncpg.TooManyConnectionsError("x"),
        asyncpg.DeadlockDetectedError("x"),
        asyncpg.InterfaceError("connection is closed"),
        KafkaConnectionError(),
    ],
)
def test_a_dependency_that_is_away_is_not_our_bug(error: Exception) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.headers) == (503, {"Retry-After": "1"})


def test_invalid_values_are_named_by_path_and_not_shown() -> None:
    found = document(invalid_model())
    assert found["status"] == 422
    assert list(found["fields"]) == ["lines.1"]
    assert "ada" not in json.dumps(found)
    assert list(document(invalid_struct())["fields"]) == ["lines[1]"]


@pytest.mark.parametrize(
    "error", [asyncpg.DataError("out of range"), asyncpg.CharacterNotInRepertoireError("0x00")]
)
def test_what_the_database_cannot_hold_is_the_callers_fault(error: Exception) -> None:
    assert problem_of(error).status == 422


def test_the_frameworks_refusals_keep_their_status() -> None:
    assert document(NotFoundException()) == {
        "type": "/problems/not-found",
        "title": "Not Found",
        "status": 404,
    }
    assert problem_of(ClientException(status_code=413)).status == 413


@pytest.mark.parametrize("error", [RuntimeError("ada@example.com"), InternalServerException("x")])
def test_anything_else_is_ours_and_answered_with_an_id_only(error: Exception) -> None:
    found = document(error)
    assert found["status"] == 500
    assert str(found["instance"]).startswith("urn:uuid:")
    assert "ada" not in json.dumps(found)


def test_details_are_redacted() -> None:
    assert document(Rejected("no mailbox ada@example.com"))["detail"] == "no mailbox [address]"
