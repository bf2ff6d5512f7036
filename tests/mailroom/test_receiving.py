"""Mail in: what is taken, by which way, and that it is a row before anybody hears of it."""

import io
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from mailroom import maildir
from mailroom.management.commands.receive import opened
from mailroom.models import Channel, Purpose, Received
from mailroom.receiving import MAX_BYTES, TooLarge, purpose_of, store
from tests.jobs.test_kills import database_url

MAIL = b"From: <pat@far.example>\r\nSubject: junk\r\n\r\n.dot\r\n\xff\x00 eight bits\r\n"


@pytest.mark.parametrize(
    ("recipient", "purpose"),
    [
        ("junk@mail.example", Purpose.JUNK),
        ("<JUNK@Mail.Example>", Purpose.JUNK),
        ("junk+anything@mail.example", Purpose.JUNK),
        ("not_junk@mail.example", Purpose.NOT_JUNK),
        ("not-junk@mail.example", Purpose.NOT_JUNK),
        ("fbl+0123@mail.example", Purpose.LOOP),
        ("bounce+7-0123456789abcdef@mail.example", Purpose.BOUNCE),
        ("bounce@mail.example", None),
        ("fbl@mail.example", None),
        ("abuse@mail.example", None),
        ("postmaster@mail.example", None),
        ("junk@elsewhere.example", None),
        ("junk", None),
        ("", None),
    ],
)
def test_a_recipient_says_what_a_mail_is_for(recipient: str, purpose: Purpose | None) -> None:
    assert purpose_of(recipient) == purpose


@pytest.mark.django_db
def test_the_same_bytes_are_one_row_however_often_they_come() -> None:
    first, is_new = store(MAIL, purpose=Purpose.JUNK, channel=Channel.LMTP)
    again, is_new_too = store(MAIL, purpose=Purpose.JUNK, channel=Channel.WEB)
    other, _new = store(MAIL, purpose=Purpose.NOT_JUNK, channel=Channel.LMTP)
    first.refresh_from_db()
    assert (is_new, is_new_too, first, first.copies) == (True, False, again, 2)
    assert other != first
    assert (bytes(first.raw), first.size) == (MAIL, len(MAIL))


@pytest.mark.django_db
def test_a_mail_has_at_most_ten_mebibytes() -> None:
    store(b"x" * MAX_BYTES, purpose=Purpose.JUNK, channel=Channel.LMTP)
    with pytest.raises(TooLarge):
        store(b"x" * (MAX_BYTES + 1), purpose=Purpose.JUNK, channel=Channel.LMTP)


@pytest.mark.django_db
def test_what_no_database_keeps_is_taken_off_the_envelope() -> None:
    row, _new = store(
        MAIL, purpose=Purpose.JUNK, channel=Channel.LMTP, mail_from="a\0b@x.example" + "y" * 400
    )
    assert row.mail_from.startswith("ab@x.example")
    assert len(row.mail_from) == 320


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_who_bring_the_same_bytes_at_once_make_one_row() -> None:
    gate = threading.Barrier(4)

    def bring() -> None:
        gate.wait()
        store(MAIL, purpose=Purpose.JUNK, channel=Channel.LMTP)
        connections.close_all()

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Received.objects.get().copies == 4


# -- By LMTP ---------------------------------------------------------------------------


class Service:
    """A real ``manage.py receive`` on the database of the tests."""

    def __init__(self, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.options = options
        self.start()

    def start(self) -> None:
        environ = {**os.environ, "DATABASE_URL": database_url()}
        self.child = subprocess.Popen(
            [sys.executable, "manage.py", "receive", "--listen", f"127.0.0.1:{self.port}",
             *self.options],
            env=environ, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.child.stdout is not None
        assert b"Taking mail" in self.child.stdout.readline()

    def end(self, how: int = signal.SIGTERM) -> int:
        self.child.send_signal(how)
        code = self.child.wait(20)
        assert self.child.stdout is not None
        self.child.stdout.close()
        return code


@pytest.fixture
def service(transactional_db: None) -> Iterator[Service]:
    service = Service()
    yield service
    if service.child.poll() is None:
        service.end(signal.SIGKILL)


def sent(client: smtplib.LMTP, recipients: list[str], raw: bytes) -> list[int]:
    """What is said to each recipient after the text (RFC 2033, section 4.2); smtplib reads but
    one answer."""
    client.ehlo_or_helo_if_needed()
    client.mail("pat@far.example")
    taken = [one for one in recipients if client.rcpt(one)[0] == 250]
    assert client.docmd("DATA")[0] == 354
    client.send(re.sub(rb"(?m)^\.", b"..", raw) + b".\r\n")
    return [client.getreply()[0] for _one in taken]


@pytest.mark.kill
def test_a_mail_is_a_row_with_its_very_bytes_when_250_comes(service: Service) -> None:
    with smtplib.LMTP("127.0.0.1", service.port) as client:
        assert sent(client, ["junk@mail.example", "not_junk@mail.example"], MAIL) == [250, 250]
        rows = {row.purpose: row for row in Received.objects.all()}
        assert set(rows) == {Purpose.JUNK, Purpose.NOT_JUNK}
        assert bytes(rows[Purpose.JUNK].raw) == MAIL
        assert rows[Purpose.JUNK].mail_from == "pat@far.example"
        assert rows[Purpose.JUNK].recipient == "junk@mail.example"
        assert rows[Purpose.JUNK].due_at is not None


@pytest.mark.kill
def test_each_recipient_has_an_answer_of_its_own(service: Service) -> None:
    with smtplib.LMTP("127.0.0.1", service.port) as client:
        refused = client.sendmail("", ["junk@mail.example", "nobody@mail.example"], MAIL)
    assert refused["nobody@mail.example"][0] == 550
    assert Received.objects.get().mail_from == ""


@pytest.mark.kill
def test_bounds_of_the_conversation(service: Service) -> None:
    with smtplib.LMTP("127.0.0.1", service.port) as client:
        client.ehlo_or_helo_if_needed()
        assert client.esmtp_features["size"] == str(MAX_BYTES)
        client.mail("pat@far.example")
        answers = [client.rcpt(f"junk+{n}@mail.example")[0] for n in range(21)]
        assert answers == [250] * 20 + [452]
        client.rset()
        assert client.mail("pat@far.example", [f"size={MAX_BYTES + 1}"])[0] == 552
        client.rset()
        long_line = b"Subject: x\r\n\r\n" + b"y" * 20_000 + b"\r\n"
        assert client.sendmail("pat@far.example", ["junk@mail.example"], long_line) == {}


@pytest.mark.kill
def test_sigterm_ends_it_with_code_0(service: Service) -> None:
    assert service.end() == 0


@pytest.mark.kill
def test_by_smtp_it_takes_mail_as_well(transactional_db: None) -> None:
    service = Service("--smtp")
    try:
        with smtplib.SMTP("127.0.0.1", service.port) as client:
            client.sendmail("pat@far.example", ["junk@mail.example"], MAIL)
        assert Received.objects.count() == 1
    finally:
        service.end()


@pytest.mark.kill
def test_nothing_that_was_acknowledged_is_lost_when_it_is_killed_in_the_middle(
    service: Service,
) -> None:
    acknowledged: set[int] = set()

    def send(first: int) -> None:
        for number in range(first, 60, 3):
            raw = f"Subject: {number}\r\n\r\nx\r\n".encode()
            for _again in range(100):
                try:
                    with smtplib.LMTP("127.0.0.1", service.port, timeout=5) as client:
                        client.sendmail("pat@far.example", ["junk@mail.example"], raw)
                except (OSError, smtplib.SMTPException):
                    time.sleep(0.1)
                else:
                    acknowledged.add(number)
                    break

    threads = [threading.Thread(target=send, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for _kill in range(3):
        time.sleep(0.4)
        service.end(signal.SIGKILL)
        service.start()
    for thread in threads:
        thread.join()
    assert acknowledged == set(range(60))
    subjects = [bytes(row.raw).split(b"\r\n")[0] for row in Received.objects.all()]
    assert sorted(subjects) == sorted(f"Subject: {n}".encode() for n in range(60))


def test_it_listens_where_nobody_else_can_reach_it_unless_told() -> None:
    with pytest.raises(CommandError, match="--anywhere"):
        opened("0.0.0.0:0", anywhere=False)
    opened("0.0.0.0:0", anywhere=True).close()
    with pytest.raises(CommandError, match="Nobody can listen"):
        opened("127.0.0.1:none", anywhere=False)


def test_a_socket_file_is_replaced_when_one_was_left_over(tmp_path: Path) -> None:
    path = tmp_path / "postern.sock"
    opened(f"unix:{path}", anywhere=False).close()
    opened(f"unix:{path}", anywhere=False).close()
    assert path.stat().st_mode & 0o777 == 0o666


# -- By a pipe -------------------------------------------------------------------------


def piped(monkeypatch: pytest.MonkeyPatch, raw: bytes, recipient: str) -> int:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    try:
        call_command("receive-mail", "pat@far.example", recipient)
    except SystemExit as end:
        return int(str(end.code))
    return 0


@pytest.mark.django_db
def test_a_piped_mail_is_kept_or_answered_by_its_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert piped(monkeypatch, MAIL, "junk@mail.example") == 0
    row = Received.objects.get()
    assert (bytes(row.raw), row.channel) == (MAIL, Channel.PIPE)
    assert piped(monkeypatch, MAIL, "nobody@mail.example") == 67
    assert piped(monkeypatch, b"x" * (MAX_BYTES + 1), "junk@mail.example") == 65


def test_a_piped_mail_waits_while_the_database_is_away(tmp_path: Path) -> None:
    environ = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/none/there.sqlite3"}
    done = subprocess.run(
        [sys.executable, "manage.py", "receive-mail", "", "junk@mail.example"],
        input=MAIL, env=environ, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 75, done.stderr


# -- From a folder ---------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.POSTERN_MAILDIR = str(tmp_path)
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.django_db
def test_what_is_new_in_the_folder_is_taken_once(folder: Path) -> None:
    (folder / "new" / "1.host").write_bytes(b"Return-Path: <pat@far.example>\n" + MAIL)
    (folder / "new" / "2.host").write_bytes(b"Delivered-To: not_junk@mail.example\n" + MAIL)
    assert maildir.collect() == 2
    assert maildir.collect() == 0
    first, second = Received.objects.order_by("pk")
    assert (first.purpose, first.mail_from) == (Purpose.JUNK, "pat@far.example")
    assert (second.purpose, second.recipient) == (Purpose.NOT_JUNK, "not_junk@mail.example")
    assert sorted(one.name for one in (folder / "cur").iterdir()) == ["1.host:2,S", "2.host:2,S"]


@pytest.mark.django_db
def test_a_file_that_was_stored_and_not_moved_is_no_second_mail(folder: Path) -> None:
    (folder / "new" / "1").write_bytes(MAIL)
    maildir.collect()
    (folder / "cur" / "1:2,S").rename(folder / "new" / "1")
    assert maildir.collect() == 1
    assert Received.objects.count() == 1


@pytest.mark.django_db
def test_links_are_not_followed_and_large_files_are_left_to_the_operator(folder: Path) -> None:
    (folder / "secret").write_bytes(b"not mail")
    (folder / "new" / "link").symlink_to(folder / "secret")
    (folder / "new" / "large").write_bytes(b"x" * (MAX_BYTES + 1))
    maildir.collect()
    [large] = Received.objects.all()
    assert (large.unread, large.due_at) == ("too-large", None)
    assert (folder / "new" / "link").is_symlink()
    assert (folder / "cur" / "large:2,F").exists()


@pytest.mark.django_db
def test_a_folder_that_is_not_there_stops_nothing(tmp_path: Path, settings: Any) -> None:
    settings.POSTERN_MAILDIR = str(tmp_path / "none")
    assert maildir.collect() == 0
    assert connection.is_usable()
