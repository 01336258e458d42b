import socket
from pathlib import Path

import pytest
from local_stack import Infrastructure, LocalPostgres, provide
from local_stack.containers import kafka_variables
from local_stack.errors import PortTaken, Unreachable, UnsupportedPlatform
from local_stack.kafka_settings import properties
from local_stack.platforms import check_platform
from local_stack.ports import FIRST_PORT, LAST_PORT, free_port, is_free
from local_stack.providing import Wanted


def test_ports_lie_below_the_range_that_clients_are_given() -> None:
    assert FIRST_PORT <= free_port() <= LAST_PORT < 32_768


async def test_a_wanted_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(PortTaken, match=f"Port {port}"):
            await LocalPostgres(tmp_path, port=port).start()


def test_the_broker_listens_on_loopback_only() -> None:
    text = properties(port=20_000, controller_port=20_001, data=Path("/x"))
    listeners = next(line for line in text.splitlines() if line.startswith("listeners="))
    assert listeners == "listeners=PLAINTEXT://127.0.0.1:20000,CONTROLLER://127.0.0.1:20001"


def test_a_container_gets_the_settings_of_the_local_broker() -> None:
    variables = kafka_variables(20_000)
    assert variables["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert variables["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:20000"


@pytest.mark.parametrize(
    ("given", "named", "admin"),
    [
        ("postgresql://p@h:1", "postgresql://p@h:1/x", "postgresql://p@h:1/postgres"),
        ("postgresql://p@h:1/", "postgresql://p@h:1/x", "postgresql://p@h:1/postgres"),
        ("postgresql://p@h/a?b=c", "postgresql://p@h/x?b=c", "postgresql://p@h/a?b=c"),
    ],
)
def test_a_database_is_named_whatever_the_url_ends_with(given: str, named: str, admin: str) -> None:
    infrastructure = Infrastructure(kafka_bootstrap="k:1", postgres_url=given)
    assert infrastructure.database_url("x") == named
    assert infrastructure.admin_url == admin


def test_the_environment_is_asked_first() -> None:
    wanted = Wanted.read({"GOODWORD_KAFKA": "k:1", "GOODWORD_POSTGRES": ""})
    assert wanted == Wanted(kafka="k:1", postgres=None, containers=False)
    assert Wanted.read({"GOODWORD_STACK": "containers"}).containers


async def test_a_named_server_that_does_not_answer_is_an_error_without_the_password(
    tmp_path: Path,
) -> None:
    environment = {"GOODWORD_POSTGRES": f"postgresql://p:secret@127.0.0.1:{free_port()}"}
    with pytest.raises(Unreachable, match="GOODWORD_POSTGRES") as caught:
        async with provide(tmp_path / "state", environment=environment, patience_seconds=0):
            pass
    assert "secret" not in str(caught.value)


def test_unknown_platforms_are_refused_and_macos_is_warned_about() -> None:
    check_platform("Linux", "aarch64")
    with pytest.raises(UnsupportedPlatform, match="Windows"):
        check_platform("Windows", "AMD64")
    with pytest.warns(UserWarning, match="macOS"):
        check_platform("Darwin", "arm64")
