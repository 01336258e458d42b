"""What several tests ask of the admin API."""

from typing import Any

from httpx import AsyncClient as Client

from .builders import ADMIN_KEY, document

ROOT = {"Authorization": f"Bearer {ADMIN_KEY}"}


async def apply(client: Client, **given: Any) -> dict[str, Any]:
    answer = await client.post("/v1/apply", json={"document": document(**given)}, headers=ROOT)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def admin(client: Client, *roles: str, name: str = "ops") -> dict[str, str]:
    body = {"id": name, "kind": "admin", "actor": f"{name}-person", "scopes": list(roles)}
    answer = await client.post("/v1/keys", json=body, headers=ROOT)
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['raw']}"}
