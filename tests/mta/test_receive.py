"""Mail in through a real Postfix, by the blocks of docs/operate/receive.md."""

import os
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mailroom.models import Channel, Purpose, Received
from tests.jobs.test_kills import database_url
from tests.mta import blocks
from tests.mta.postfix import SMTP, Postfix
from tests.mta.servers import Server, eventually

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]
ADDRESS, HOST, PORT = "203.0.113.14", "127.0.0.1", 2525
OWN = "virtual_mailbox_domains = mail.example, clinic.example\n"
PICKUP = "pickup unix n - n 60 1 pickup\n"  # postqueue wants to wake it
LONG = b"x" * 3000
MAIL = (
    b"From: <pat@far.example>\r\nTo: <junk@mail.example>\r\nSubject: junk\r\n"
    b"Message-ID: <1@far.example>\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b".a dot\r\n" + LONG + b"\r\n\xec\x8a\xa4\xed\x8c\xb8\r\n"
)


class Receiver(Server):
    """The real ``manage.py receive``, where the page has it."""

    def __init__(self, room: Path) -> None:
        environ = {"DATABASE_URL": database_url()}
        place = blocks.block("receive", "environment").strip().partition("=")[2]
        assert place == f"{HOST}:{PORT}"
        command = [sys.executable, "manage.py", "receive", "--listen", place]
        super().__init__("receive", command, room=room, environ=environ)

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection((HOST, PORT), 5) as line:
            return line.recv(3) == b"220"
        return False


@pytest.fixture(scope="module")
def postfix(room: Path) -> Iterator[Postfix]:
    main, own = blocks.block("receive", "main.cf lmtp"), blocks.block("receive", "master.cf lmtp")
    with Postfix(
        "lmtp", room, listen=ADDRESS, port=SMTP, domain="clinic.example", main=main + OWN,
        master=f"{ADDRESS}:{SMTP} inet n - n - - smtpd\n{PICKUP}{own}",
    ) as server:  # fmt: skip
        yield server


def submit(postfix: Postfix, raw: bytes, recipient: str = "junk@mail.example") -> None:
    with smtplib.SMTP(postfix.listen, postfix.port, "far.example", timeout=20) as client:
        client.sendmail("pat@far.example", [recipient], raw, mail_options=["BODY=8BITMIME"])


def rows() -> list[Received]:
    return list(Received.objects.order_by("pk"))


def test_a_mail_to_junk_is_a_row_within_seconds_with_its_very_bytes(
    postfix: Postfix, room: Path, tell: Callable[[str], None]
) -> None:
    with Receiver(room):
        begun = time.monotonic()
        submit(postfix, MAIL)
        assert eventually(rows, 20), postfix.last_words()
        tell(f"mail in: {time.monotonic() - begun:.1f} s from Postfix to the row")
        [row] = rows()
        assert (row.purpose, row.channel) == (Purpose.JUNK, Channel.LMTP)
        assert (row.mail_from, row.recipient) == ("pat@far.example", "junk@mail.example")
        head, raw = bytes(row.raw).split(b"From: ", 1)
        assert b"From: " + raw == MAIL
        assert head.startswith(b"Received: ")


def test_each_recipient_of_ours_comes_in_for_its_purpose(postfix: Postfix, room: Path) -> None:
    with Receiver(room):
        submit(postfix, MAIL, "not_junk@mail.example")
        submit(postfix, MAIL, "fbl+0123456789abcdef@mail.example")
        submit(postfix, MAIL, "bounce+1-0123456789abcdef@mail.example")
        assert eventually(lambda: len(rows()) == 3, 20), postfix.last_words()
        assert {row.purpose for row in rows()} == {Purpose.NOT_JUNK, Purpose.LOOP, Purpose.BOUNCE}


def test_postfix_keeps_the_mail_while_nobody_takes_it_in(postfix: Postfix, room: Path) -> None:
    submit(postfix, MAIL)
    assert eventually(lambda: "deferred" in postfix.run("postqueue", "-j"), 20)
    assert rows() == []

    with Receiver(room):
        postfix.run("postqueue", "-f")
        assert eventually(rows, 20), postfix.last_words()
        assert eventually(lambda: not postfix.run("postqueue", "-j"), 10)


@pytest.fixture
def handed(room: Path) -> Iterator[Path]:
    """What a Postfix with the pipe of the page would start is noted here."""
    noted, program = room / "handed", room / "noting"
    noted.touch()
    noted.chmod(0o666)
    program.write_text(f'#!/bin/sh\n{{ echo "<$1> <$2>"; cat; }} >{noted}\n')
    program.chmod(0o755)
    pipe = blocks.block("receive", "master.cf pipe", receive=str(program), user="user=daemon")
    main = blocks.block("receive", "main.cf pipe")
    with Postfix(
        "pipe", room, listen="203.0.113.15", port=SMTP, domain="clinic.example",
        main=f"{main}{OWN}transport_maps = inline:{{ {{ junk@mail.example = postern-pipe: }} }}\n",
        master=f"203.0.113.15:{SMTP} inet n - n - - smtpd\n{pipe}",
    ) as server:  # fmt: skip
        with smtplib.SMTP(server.listen, server.port, "far.example", timeout=20) as client:
            client.sendmail("", ["junk@mail.example"], MAIL, mail_options=["BODY=8BITMIME"])
        assert eventually(lambda: MAIL in noted.read_bytes(), 20), server.last_words()
        yield noted


def run_program(room: Path, *words: str, environ: Path, raw: bytes = MAIL) -> int:
    """The program of the page on a mail; its exit code."""
    program = room / "postern-receive"
    text = blocks.block("receive", "receive-mail", environ=str(environ), home=str(ROOT))
    program.write_text(text.replace(".venv/bin/python", sys.executable))
    program.chmod(0o755)
    return subprocess.run(
        [program, *words], input=raw, check=False, env=dict(os.environ)
    ).returncode


def test_by_the_pipe_a_bounce_has_no_sender_and_its_very_bytes(
    handed: Path, room: Path, tmp_path: Any
) -> None:
    envelope, raw = handed.read_bytes().split(b"\n", 1)
    assert envelope == b"<> <junk@mail.example>"
    environ = tmp_path / "postern.env"
    environ.write_text(f"DATABASE_URL='{database_url()}'\n")

    assert run_program(room, "", "junk@mail.example", environ=environ, raw=raw) == 0
    assert run_program(room, "", "dana@mail.example", environ=environ) == 67
    [row] = rows()
    assert (row.channel, row.mail_from, bytes(row.raw)) == (Channel.PIPE, "", raw)
    assert raw.endswith(MAIL)


def test_by_the_pipe_the_mail_waits_while_anything_is_missing(room: Path, tmp_path: Any) -> None:
    environ = tmp_path / "postern.env"
    assert run_program(room, "", "junk@mail.example", environ=environ) == 75
    environ.write_text(f"DATABASE_URL='sqlite:///{tmp_path}/none/there.sqlite3'\n")
    assert run_program(room, "", "junk@mail.example", environ=environ) == 75
    environ.write_text("SECRET_KEY=\n")
    assert run_program(room, "", "junk@mail.example", environ=environ) == 75
