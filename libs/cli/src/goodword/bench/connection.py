"""A keep-alive HTTP/1.1 connection that costs next to nothing, so that the server is measured."""

import asyncio
from dataclasses import dataclass

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(slots=True)
class Connection:
    """One connection to one server: one request at a time."""

    host: str
    port: int
    head: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, url: str, path: str, key: str) -> "Connection":
        """Connect to `http://host:port`; every request is a POST of JSON to `path`."""
        host, _, port = url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {key}\r\n"
            "content-type: application/json\r\ncontent-length: "
        )
        return cls(host, int(port), head.encode(), reader, writer)

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self.writer.write(b"%b%d%b%b" % (self.head, len(body), _HEAD_END, body))
        head = await self.reader.readuntil(_HEAD_END)
        status = int(head[9:12])
        lowered = head.lower()
        start = lowered.index(_LENGTH) + len(_LENGTH)
        length = int(lowered[start : lowered.index(b"\r\n", start)])
        return status, await self.reader.readexactly(length)

    async def close(self) -> None:
        """Disconnect."""
        self.writer.close()
        await self.writer.wait_closed()
