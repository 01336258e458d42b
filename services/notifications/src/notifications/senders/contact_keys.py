"""The keys of people's contacts: fetched in batches, held in memory for seconds, never stored."""

import time
from collections.abc import Collection

import httpx
import structlog

KEPT_SECONDS = 30
FETCH_SECONDS = 5
MAX_KEYS = 500
log = structlog.stdlib.get_logger(__name__)


class KeysUnavailable(Exception):
    """The control plane did not answer, or not well; contacts cannot be opened for now."""


class ContactKeys:
    """Asks the control plane, and remembers its answer for at most KEPT_SECONDS."""

    def __init__(self, programs_url: str, token: str) -> None:
        self._url = f"{programs_url.rstrip('/')}/v1/contact-keys"
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"}, timeout=FETCH_SECONDS, trust_env=False
        )
        self._kept: dict[str, tuple[float, str]] = {}

    async def keys(self, key_ids: Collection[str]) -> dict[str, str]:
        """Those of the keys that still exist. Raises KeysUnavailable."""
        self._forget()
        missing = sorted(set(key_ids) - self._kept.keys())
        for start in range(0, len(missing), MAX_KEYS):
            fetched_at = time.monotonic()
            for key_id, key in (await self._fetch(missing[start : start + MAX_KEYS])).items():
                self._kept[key_id] = (fetched_at, key)
        return {key_id: self._kept[key_id][1] for key_id in key_ids if key_id in self._kept}

    async def close(self) -> None:
        """Disconnect and forget."""
        self._kept.clear()
        await self._client.aclose()

    async def _fetch(self, key_ids: list[str]) -> dict[str, str]:
        try:
            answer = await self._client.post(self._url, json={"key_ids": key_ids})
            answer.raise_for_status()
            found = answer.json()
            return {str(key_id): str(key) for key_id, key in found.items()}
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            log.warning("contact keys cannot be fetched", error=type(error).__name__)
            raise KeysUnavailable from None

    def _forget(self) -> None:
        oldest = time.monotonic() - KEPT_SECONDS
        self._kept = {key_id: one for key_id, one in self._kept.items() if one[0] > oldest}
