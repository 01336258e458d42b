"""The mailbox of the local stack, over real SMTP."""

import asyncio
import smtplib
import stat
from email.message import EmailMessage
from pathlib import Path

import pytest
from goodword.platform.mail import MailSink
from local_stack.ports import LOOPBACK, free_port


def send(port: int, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "programs@example.org", "ada@example.com"
    message["Subject"] = subject
    message.set_content("Your reward is on its way: 10,00 €")
    with smtplib.SMTP(LOOPBACK, port, timeout=5) as client:
        client.send_message(message)


async def test_mail_is_kept_as_a_file_and_in_memory(tmp_path: Path) -> None:
    port, sink = free_port(), MailSink(tmp_path / "mail")
    async with sink.listening(port):
        assert sink.url == f"smtp://127.0.0.1:{port}"
        await asyncio.to_thread(send, port, "Approved")
        await asyncio.to_thread(send, port, "Paid")
        mails = await sink.wait_for(2, deadline_seconds=5)
    assert [mail.message["Subject"] for mail in mails] == ["Approved", "Paid"]
    assert mails[0].recipients == ("ada@example.com",)
    assert [file.name for file in sorted((tmp_path / "mail").iterdir())] == [
        "000001.eml",
        "000002.eml",
    ]
    assert mails[0].file.read_bytes() == mails[0].content
    assert stat.S_IMODE(mails[0].file.stat().st_mode) == 0o600


async def test_a_later_run_does_not_overwrite_mail(tmp_path: Path) -> None:
    for subject in ("first", "second"):
        port, sink = free_port(), MailSink(tmp_path)
        async with sink.listening(port):
            await asyncio.to_thread(send, port, subject)
            files = [mail.file.name for mail in sink.mails]
    assert files == ["000002.eml"]


async def test_mail_that_never_comes_is_told(tmp_path: Path) -> None:
    sink = MailSink(tmp_path)
    async with sink.listening(free_port()):
        with pytest.raises(TimeoutError):
            await sink.wait_for(1, deadline_seconds=0.05)
