"""A Maven repository on loopback, to download from without the internet."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local_stack.jars import Jar, JarCache


class Counting(SimpleHTTPRequestHandler):
    """Serves files, and keeps the paths of the jars that were asked for."""

    asked: list[str]

    def __init__(self, *arguments: object, asked: list[str], directory: str) -> None:
        self.asked = asked
        super().__init__(*arguments, directory=directory)

    def do_GET(self) -> None:
        if self.path.endswith(".jar"):
            self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_arguments: object) -> None:
        return


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields the address, and the growing list of jars that were asked for."""
    asked: list[str] = []
    handler = partial(Counting, asked=asked, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def publish(folder: Path, name: str, content: bytes) -> Jar:
    """Put a jar into the repository folder; returns its pin."""
    digest = hashlib.sha256(content).hexdigest()
    jar = Jar(group="org.x", name=name, version="1", sha256=digest, size_bytes=len(content))
    (folder / jar.path).parent.mkdir(parents=True)
    (folder / jar.path).write_bytes(content)
    return jar


def cache_of(folder: Path, address: str, *jars: Jar) -> JarCache:
    folder.mkdir(exist_ok=True)
    return JarCache(folder=folder, repositories={"central": address}, jars=jars)
