"""Secrets and keys of one install."""

import json
import stat
from pathlib import Path

import pytest
from goodword.errors import BrokenState, NoInstall
from goodword.platform.install import (
    KEYS_FILE,
    SECRETS_FILE,
    Secrets,
    keep_keys,
    load_keys,
    load_secrets,
    match_key,
    write_private,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_drawn_once_and_nobody_else_can_read_them(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = load_secrets(state)
    assert load_secrets(state) == first
    assert mode(state / SECRETS_FILE) == 0o600
    assert mode(state) == 0o700
    assert load_secrets(tmp_path / "another") != first


def test_secrets_are_not_printed_with_the_value_that_holds_them() -> None:
    secrets = Secrets.random()
    assert secrets.operator_token not in repr(secrets)


def test_a_secret_that_an_older_install_lacks_is_added(tmp_path: Path) -> None:
    whole = load_secrets(tmp_path)
    stored = json.loads((tmp_path / SECRETS_FILE).read_text())
    del stored["login_secret"]
    write_private(tmp_path / SECRETS_FILE, stored)
    again = load_secrets(tmp_path)
    assert again.operator_token == whole.operator_token
    assert again.login_secret
    assert load_secrets(tmp_path) == again


def test_secrets_become_the_settings_of_those_who_need_them() -> None:
    secrets = Secrets.random()
    assert secrets.environment(["match_key"]) == {"GOODWORD_MATCH_KEY": secrets.match_key}
    assert secrets.admin_key.startswith("gw_ak_")


def test_a_broken_file_is_told_and_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / SECRETS_FILE).write_text("{")
    with pytest.raises(BrokenState, match=r"secrets\.json"):
        load_secrets(tmp_path)
    assert (tmp_path / SECRETS_FILE).read_text() == "{"


def test_keys_are_kept_beside_those_of_before(tmp_path: Path) -> None:
    assert load_keys(tmp_path) == {}
    keep_keys(tmp_path, {"web": "gw_pk_1", "shop": "gw_sk_1"})
    keep_keys(tmp_path, {"shop": "gw_sk_2"})
    keep_keys(tmp_path, {})
    assert load_keys(tmp_path) == {"web": "gw_pk_1", "shop": "gw_sk_2"}
    assert mode(tmp_path / KEYS_FILE) == 0o600


def test_hashing_needs_the_key_of_an_install_and_never_draws_one(tmp_path: Path) -> None:
    with pytest.raises(NoInstall):
        match_key(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert match_key(tmp_path) if load_secrets(tmp_path) else None
