"""The commands, without a platform."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from goodword.__main__ import app
from goodword.commands.organisation import difference_line, read_document
from goodword.commands.platform import check_ours, parse_scale
from goodword.errors import BadDocument, NotOurs, NotRunning, PlatformError
from goodword.platform.install import load_secrets
from goodword.signals import Interruption
from shared_schemas.matching import email_hash
from shared_schemas.topics import TOPICS
from typer.testing import CliRunner

run = CliRunner().invoke


def test_hash_prints_what_the_platform_matches_by_and_nothing_else(tmp_path: Path) -> None:
    key = load_secrets(tmp_path).match_key
    addresses = ["Ada@example.com", "bob@example.org"]
    answer = run(app, ["hash", "--state", str(tmp_path), *addresses])
    assert answer.output.splitlines() == [email_hash(key, address) for address in addresses]
    piped = run(app, ["hash", "--state", str(tmp_path), "-"], input="ada@example.com\n")
    assert piped.output.splitlines() == [email_hash(key, "ada@example.com")]


def test_what_is_no_address_is_told_without_repeating_it(tmp_path: Path) -> None:
    load_secrets(tmp_path)
    answer = run(app, ["hash", "--state", str(tmp_path), "a@example.com", "nonsense"])
    assert isinstance(answer.exception, PlatformError)
    assert str(answer.exception) == "Number 2 is not an e-mail address."


@pytest.mark.parametrize(
    "command",
    [["status"], ["login", "--as", "operator"], ["dlq", "list"], ["replay-topic", "--all"]],
)
def test_what_needs_a_running_platform_says_so(tmp_path: Path, command: list[str]) -> None:
    answer = run(app, [*command, "--state", str(tmp_path)], env={"GOODWORD_KAFKA": ""})
    assert isinstance(answer.exception, NotRunning)


def test_replay_needs_one_topic_or_all(tmp_path: Path) -> None:
    for arguments in ([], ["rewards.rewards", "--all"]):
        answer = run(app, ["replay-topic", *arguments, "--state", str(tmp_path)])
        assert isinstance(answer.exception, PlatformError)


def test_topics_are_listed_without_a_platform(tmp_path: Path) -> None:
    arguments = ["topics", "--json", "--state", str(tmp_path)]
    answer = run(app, arguments, env={"GOODWORD_KAFKA": ""})
    listed = {each["topic"]: each for each in json.loads(answer.output)}
    assert listed.keys() == {topic.name for topic in TOPICS}
    assert listed["rewards.rewards"]["owner"] == "rewards"
    assert listed["rewards.rewards"]["ordered"] is True
    shown = run(app, arguments[:1] + arguments[2:], env={"GOODWORD_KAFKA": ""}).output
    assert "owner rewards · key beneficiary_id" in shown.replace("\n", " ")


def test_an_error_is_told_in_words_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "goodword", "status", "--state", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Nothing runs from")
    assert "Traceback" not in done.stderr + done.stdout


def test_nothing_to_stop_is_fine(tmp_path: Path) -> None:
    for state in (tmp_path, tmp_path / "absent"):
        answer = run(app, ["down", "--state", str(state)])
        assert (answer.exit_code, answer.output) == (0, "Nothing was running.\n")


def test_reset_deletes_a_state_folder(tmp_path: Path) -> None:
    state = tmp_path / "state"
    load_secrets(state)
    assert run(app, ["reset", "--state", str(state)]).exit_code == 0
    assert not state.exists()
    assert run(app, ["reset", "--state", str(state)]).exit_code == 0


def test_reset_refuses_what_is_not_a_state_folder(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    answer = run(app, ["reset", "--state", str(tmp_path)])
    assert isinstance(answer.exception, NotOurs)
    assert (tmp_path / "letters.txt").exists()
    load_secrets(tmp_path)
    (tmp_path / ".git").mkdir()
    with pytest.raises(NotOurs):
        check_ours(tmp_path)


def test_scale_is_service_and_number() -> None:
    assert parse_scale(["rewards=2", "fraud=1"]) == {"rewards": 2, "fraud": 1}
    for text in ("rewards", "rewards=", "rewards=-1", "rewards=two"):
        with pytest.raises(PlatformError, match="SERVICE=N"):
            parse_scale([text])


def test_times_in_a_document_stay_text(tmp_path: Path) -> None:
    file = tmp_path / "organisation.yaml"
    file.write_text("programs:\n- {id: a, effective_at: 2026-11-01T00:00:00Z, hold: 5s}\n")
    assert read_document(file) == {
        "programs": [{"id": "a", "effective_at": "2026-11-01T00:00:00Z", "hold": "5s"}]
    }


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "\x00", "!!python/object:os.system {}"])
def test_a_document_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "organisation.yaml"
    file.write_text(text)
    with pytest.raises(BadDocument):
        read_document(file)
    with pytest.raises(BadDocument):
        read_document(tmp_path / "absent.yaml")


def test_a_difference_is_one_line() -> None:
    assert difference_line({"what": "hold", "before": "5s", "after": "6s"}).plain == (
        "~ hold: 5s → 6s"
    )
    assert difference_line({"what": "market", "before": None, "after": "de"}).plain == (
        "+ market: de"
    )
    assert difference_line({"what": "market", "before": "de", "after": None}).plain == (
        "- market: de"
    )


class _Task:
    cancelled = 0

    def cancel(self) -> None:
        self.cancelled += 1


def test_the_second_signal_does_not_wait() -> None:
    said: list[str] = []
    interruption, task = Interruption(said.append), _Task()
    hastened: list[bool] = []
    interruption.on_second = lambda: hastened.append(True)
    interruption.receive(task)  # type: ignore[arg-type]
    assert (task.cancelled, hastened, len(said)) == (1, [], 1)
    interruption.receive(task)  # type: ignore[arg-type]
    assert (task.cancelled, hastened) == (1, [True])
