import os
from pathlib import Path

import pytest
from local_stack.errors import AlreadyRunning
from local_stack.processes import Identity
from local_stack.state import Record, StateFolder


def test_one_run_at_a_time_holds_a_folder(tmp_path: Path) -> None:
    folder = StateFolder.at(tmp_path / "state")
    with folder.held():
        assert folder.is_held()
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"), folder.held():
            pass
    assert not folder.is_held()
    with folder.held():
        pass


def test_records_come_back_as_written(tmp_path: Path) -> None:
    folder = StateFolder.at(tmp_path)
    kafka, postgres = Record((20_000, 20_001), Identity(7, 12.5)), Record((20_002,), None)
    folder.record("kafka", kafka)
    folder.record("postgres", postgres)
    assert folder.records() == {"kafka": kafka, "postgres": postgres}


@pytest.mark.parametrize("text", ["", "[]", '{"kafka": 1}', '{"kafka": {"ports": 1}}', "{"])
def test_an_unreadable_record_counts_as_none(tmp_path: Path, text: str) -> None:
    folder = StateFolder.at(tmp_path)
    folder.record_file.write_text(text)
    assert folder.records() == {}
