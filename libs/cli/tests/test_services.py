"""Requests to services, and their problem documents as errors."""

from pathlib import Path

import httpx
import pytest
from goodword.errors import NotAnswering, NotRunning, UnknownService
from goodword.platform.record import Recorded, Run, this_process, write_run
from goodword.services import (
    Address,
    NotPartOfRun,
    explanation,
    running_services,
    with_admin_key,
    with_operator_token,
)
from local_stack.ports import free_port


def test_a_problem_document_is_told_with_each_fault() -> None:
    problem = {
        "title": "This cannot be done",
        "detail": "Nothing was changed.",
        "fields": {"programs[0].hold": "is shorter than the grace"},
    }
    told = explanation(httpx.Response(422, json=problem))
    assert told == (
        "This cannot be done. Nothing was changed.\n  programs[0].hold: is shorter than the grace"
    )


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
def test_an_answer_that_is_no_problem_document_is_told_by_its_phrase(body: bytes) -> None:
    assert explanation(httpx.Response(502, content=body)) == "Bad Gateway"


def test_a_service_that_does_not_answer_is_told() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(NotAnswering, match=url):
        Address(service="hub", url=url, token="t").get("/internal/status")


def test_only_services_of_a_living_run_are_asked(tmp_path: Path) -> None:
    with pytest.raises(NotRunning):
        with_admin_key(tmp_path, "programs")
    place = Recorded(service="programs", ordinal=0, url="http://127.0.0.1:1")
    write_run(tmp_path, Run(supervisor=this_process(), instances=(place,)))
    assert running_services(tmp_path) == ["programs"]
    assert with_admin_key(tmp_path, "programs").token.startswith("gw_ak_")
    assert with_operator_token(tmp_path, "programs").url == "http://127.0.0.1:1"
    with pytest.raises(NotPartOfRun):
        with_operator_token(tmp_path, "hub")
    with pytest.raises(UnknownService):
        with_operator_token(tmp_path, "hubb")
