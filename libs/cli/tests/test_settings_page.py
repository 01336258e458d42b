"""The page of every setting."""

from collections.abc import Iterator

import pytest
from goodword.errors import PlatformError
from goodword.settings_page import lines, settings_class
from service_kit.environment import SettingRow, settings_table


def rows() -> Iterator[SettingRow]:
    yield SettingRow(name="A", type="int", default="3", secret=False, about="A number.")
    yield SettingRow(name="B", type="a | b", default="", secret=False, about="One of two.")
    yield SettingRow(name="C", type="secret", default="required", secret=True, about="A key.")


def test_a_setting_is_one_row() -> None:
    assert list(lines(rows())) == [
        "| `A` | int | `3` | A number. |",
        "| `B` | a \\| b |  | One of two. |",
        "| `C` | secret | required | A key. |",
    ]


def test_a_service_adds_its_own_settings() -> None:
    names = {row.name for row in settings_table(settings_class("programs"))}
    assert {"GOODWORD_KAFKA", "GOODWORD_MASTER_KEY"} <= names


def test_a_service_without_settings_is_told() -> None:
    with pytest.raises(PlatformError, match="no settings module"):
        settings_class("kafka")
