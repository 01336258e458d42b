"""The OpenAPI document: each example is posted to the real application, each answer is declared."""

import json
from typing import Any

import pytest
from tracking.api.openapi import FORM_TYPE

from .builders import PUBLISHABLE_KEY, SECRET_KEY, link, token
from .doors import site

Described = dict[str, Any]
OURS = ("conversions", "reversals", "leads", "codes/claim", "codes/{code}/claim", "optout")
SEGMENTS = ("identify", "track", "page", "screen", "group", "alias", "batch")


def examples(operation: Described) -> list[tuple[str, Any]]:
    """The examples of an operation's body with their content types."""
    content = operation["requestBody"]["content"]
    return [
        (content_type, example["value"])
        for content_type, media in content.items()
        for example in media["examples"].values()
    ]


@pytest.mark.parametrize("name", [*SEGMENTS, *OURS])
async def test_the_examples_run(name: str) -> None:
    async with site() as here:
        document = (await here.client.get("/openapi.json")).json()
        operation = document["paths"][f"/v1/{name}"]["post"]
        assert document["openapi"].startswith("3.1")
        path = f"/v1/{name}".format(code=link().code)
        for content_type, example in examples(operation):
            content = _with_token(example)
            headers = {"authorization": f"Bearer {SECRET_KEY}", "content-type": content_type}
            answer = await here.client.post(path, content=content, headers=headers)
            assert answer.status_code == 200, answer.text
            if content_type == FORM_TYPE:
                assert "Thank you" in answer.text or "opted out" in answer.text
            else:
                results = list(answer.json().get("results", {"one": answer.json()}).values())
                assert [one["result"] for one in results] == ["ok"] * len(results)
            assert here.broker.records


def _with_token(example: Any) -> bytes:
    text = example if isinstance(example, str) else json.dumps(example)
    return text.replace("LINK_TOKEN", token()).encode()


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("raw_key", [SECRET_KEY, PUBLISHABLE_KEY, "gw_sk_unknown"])
@pytest.mark.parametrize("content", [b"{}", b"", b"code=x", b'{"code":"x","a":1}', b"0" * 40_000])
async def test_what_is_answered_is_declared(name: str, raw_key: str, content: bytes) -> None:
    async with site() as here:
        document = (await here.client.get("/openapi.json")).json()
        declared = document["paths"][f"/v1/{name}"]["post"]["responses"]
        for content_type in ("application/json", FORM_TYPE):
            for code in ("anna", "nobody"):
                answer = await here.client.post(
                    f"/v1/{name}".format(code=code),
                    content=content,
                    headers={"authorization": f"Bearer {raw_key}", "content-type": content_type},
                )
                assert str(answer.status_code) in declared
                if answer.headers["content-type"] == "application/problem+json":
                    problem = answer.json()
                    assert problem["status"] == answer.status_code
                    assert problem["detail"]
                    media = declared[str(answer.status_code)]["content"]
                    assert "application/problem+json" in media


async def test_the_idempotency_key_is_described() -> None:
    async with site() as here:
        paths = (await here.client.get("/openapi.json")).json()["paths"]
        for name in OURS:
            named = {one["name"]: one["in"] for one in paths[f"/v1/{name}"]["post"]["parameters"]}
            assert named["Idempotency-Key"] == "header"
