"""Settings: read from variables and secret files, refused with the reason, listed in a table."""

import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from faststream.kafka.security import parse_security
from pydantic import ValidationError
from service_kit.environment import SettingsRefused, load_settings, settings_table
from service_kit.settings import KitSettings, Secret

TOKEN = "9f2c7d1e5b8a4036"


class MailSettings(KitSettings):
    """A service's own settings."""

    smtp_password: Secret | None = None
    """The mail server's password."""
    quiet_hours: tuple[int, int] = (22, 7)
    """When no mail goes out."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without settings but the one that is always needed."""
    for name in ("GOODWORD_KAFKA", "GOODWORD_POSTGRES", "GOODWORD_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOODWORD_OPERATOR_TOKEN", TOKEN)
    return monkeypatch


def refusal() -> str:
    with pytest.raises(SettingsRefused) as caught:
        load_settings(MailSettings)
    return str(caught.value)


def test_variables_become_typed_values(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GOODWORD_PORT", "8123")
    environment.setenv("goodword_topic_prefix", "try.")
    environment.setenv("GOODWORD_QUIET_HOURS", "[23, 6]")
    settings = load_settings(MailSettings)
    assert (settings.port, settings.topic_prefix) == (8123, "try.")
    assert settings.quiet_hours == (23, 6)
    assert settings.operator_token.get_secret_value() == TOKEN


def test_an_unknown_variable_is_refused_with_the_nearest_name(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("GOODWORD_KAFKAA", "localhost:9092")
    assert refusal() == (
        "GOODWORD_KAFKAA is no setting of this service; did you mean GOODWORD_KAFKA?"
    )


def test_a_missing_setting_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("GOODWORD_OPERATOR_TOKEN")
    assert refusal() == "GOODWORD_OPERATOR_TOKEN: is missing"


@pytest.mark.parametrize("bad", ["", "short", "aaaaaaaaaaaaaaaaaaaa", "changeme-changeme-changeme"])
def test_empty_short_and_default_secrets_are_refused(
    environment: pytest.MonkeyPatch, bad: str
) -> None:
    environment.setenv("GOODWORD_SMTP_PASSWORD", bad)
    assert refusal().startswith("GOODWORD_SMTP_PASSWORD: ")


def test_a_refusal_never_shows_a_value(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GOODWORD_DATABASE", "mysql://root:hunter2hunter2@db/x")
    environment.setenv("GOODWORD_PORT", "hunter2hunter2")
    text = refusal()
    assert "GOODWORD_DATABASE" in text
    assert "GOODWORD_PORT" in text
    assert "hunter2" not in text


def test_a_default_database_password_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GOODWORD_DATABASE", "postgresql://postgres:postgres@db/x")
    assert "default password" in refusal()


def test_a_secret_may_come_from_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from-a-file-3141592\n")
    environment.setenv("GOODWORD_SMTP_PASSWORD_FILE", str(file))
    password = load_settings(MailSettings).smtp_password
    assert password is not None
    assert password.get_secret_value() == "from-a-file-3141592"


def test_a_secret_file_that_is_away_or_doubled_is_refused(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("GOODWORD_SMTP_PASSWORD_FILE", str(tmp_path / "nowhere"))
    assert refusal() == "GOODWORD_SMTP_PASSWORD_FILE cannot be read: No such file or directory"
    environment.setenv("GOODWORD_SMTP_PASSWORD", "given-as-well-2718281")
    assert refusal().startswith("both GOODWORD_SMTP_PASSWORD and GOODWORD_SMTP_PASSWORD_FILE")


def test_what_is_no_secret_has_no_file_variant(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GOODWORD_PORT_FILE", "/run/port")
    assert "GOODWORD_PORT_FILE is no setting" in refusal()


def test_settings_made_of_arguments_ignore_the_environment(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("GOODWORD_PORT", "8123")
    assert KitSettings(operator_token=TOKEN).port == 8000


def test_settings_are_frozen_and_hide_their_secrets() -> None:
    settings = MailSettings(operator_token=TOKEN, database="postgresql://a:pass-word-42@db/x")
    with pytest.raises(ValidationError):
        settings.port = 1
    assert TOKEN not in repr(settings)
    assert "pass-word-42" not in repr(settings)


def test_a_service_without_a_database_says_so_when_asked() -> None:
    with pytest.raises(SettingsRefused, match="GOODWORD_DATABASE is missing: rewards"):
        KitSettings(operator_token=TOKEN).postgres("rewards")


def test_kafka_is_plain_by_default_and_sasl_when_told() -> None:
    plain = KitSettings(operator_token=TOKEN)
    assert parse_security(plain.kafka_security())["security_protocol"] == "PLAINTEXT"
    sasl = KitSettings(
        operator_token=TOKEN,
        kafka_protocol="SASL_SSL",
        kafka_username="rewards",
        kafka_password="pass-phrase-16180339",
    )
    arguments = parse_security(sasl.kafka_security())
    assert arguments["security_protocol"] == "SASL_SSL"
    assert arguments["sasl_mechanism"] == "SCRAM-SHA-512"
    assert arguments["sasl_plain_password"] == "pass-phrase-16180339"
    assert arguments["ssl_context"].verify_mode is ssl.CERT_REQUIRED


def test_sasl_without_a_user_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GOODWORD_KAFKA_PROTOCOL", "SASL_PLAINTEXT")
    assert refusal() == (
        "GOODWORD_KAFKA_USERNAME and GOODWORD_KAFKA_PASSWORD are needed with SASL_PLAINTEXT"
    )


def test_a_refused_process_ends_with_the_message_alone() -> None:
    program = (
        "from service_kit.environment import load_settings\n"
        "from service_kit.settings import KitSettings\n"
        "load_settings(KitSettings)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"GOODWORD_PROT": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        "GOODWORD_PROT is no setting of this service; did you mean GOODWORD_PORT?\n"
    )


def test_every_setting_is_documented_with_type_and_default() -> None:
    rows = {row.name: row for row in settings_table(MailSettings)}
    assert all(row.about for row in rows.values())
    assert rows["GOODWORD_PORT"].default == "8000"
    assert rows["GOODWORD_PORT"].type == "int"
    assert rows["GOODWORD_OPERATOR_TOKEN"].default == "required"
    assert rows["GOODWORD_OPERATOR_TOKEN"].secret
    assert rows["GOODWORD_SMTP_PASSWORD"].about == "The mail server's password."
    assert rows["GOODWORD_SMTP_PASSWORD"].default == ""
    assert rows["GOODWORD_KAFKA_PROTOCOL"].type == "PLAINTEXT | SSL | SASL_PLAINTEXT | SASL_SSL"
    assert not [name for name in rows if name.endswith("_FILE") and rows[name].secret]
