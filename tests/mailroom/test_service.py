"""The service that takes mail: its bounds, and what it does when something goes wrong."""

import asyncio
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.models import Received
from mailroom.receiving import MAX_BYTES
from mailroom.service import CONNECTIONS, Place, octets
from tests.jobs.test_kills import eventually
from tests.mailroom.test_receiving import MAIL, Service, sent


@pytest.fixture
def service(transactional_db: None) -> Iterator[Service]:
    service = Service()
    yield service
    service.child.kill()
    service.end(signal.SIGKILL)


# -- The text of a mail -----------------------------------------------------------------


def stuffed(raw: bytes) -> bytes:
    """What a client sends for a mail that ends in CR LF (RFC 5321, section 4.5.2)."""
    lines = raw.split(b"\r\n")[:-1]
    return b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in lines) + b".\r\n"


def taken(sent_octets: bytes, limit: int, step: int) -> bytes | None:
    async def take() -> bytes | None:
        reader = asyncio.StreamReader(limit=limit)

        async def feed() -> None:
            for start in range(0, len(sent_octets), step):
                reader.feed_data(sent_octets[start : start + step])
                await asyncio.sleep(0)

        feeding = asyncio.create_task(feed())
        found = await octets(reader)
        await feeding
        return found

    return asyncio.run(take())


PIECES = st.lists(st.sampled_from([b".", b"..", b"\r\n", b"\r", b"\n", b"\0", b"\xff", b"x" * 9]))


@given(PIECES, st.integers(3, 30), st.integers(1, 40))
def test_a_mail_is_taken_octet_by_octet_as_it_was_sent(
    pieces: list[bytes], limit: int, step: int
) -> None:
    raw = b"".join([*pieces, b"\r\n"])
    assert taken(stuffed(raw), limit, step) == raw


def test_a_mail_may_be_empty_and_may_be_as_large_as_is_said_and_no_larger() -> None:
    assert taken(b".\r\n", 100, 1) == b""
    most = b"x" * (MAX_BYTES - 2) + b"\r\n"
    assert taken(most + b".\r\n", 65536, 65536) == most
    assert taken(b"x" + most + b".\r\n", 65536, 65536) is None


def test_a_dot_between_bare_line_feeds_ends_no_mail() -> None:
    smuggled = b"one\n.\nMAIL FROM:<x@y.example>\r\n"
    assert taken(stuffed(smuggled), 100, 7) == smuggled


# -- The conversation --------------------------------------------------------------------


@pytest.mark.kill
def test_a_mail_that_is_too_large_is_refused_for_each_recipient_and_the_next_is_taken(
    service: Service,
) -> None:
    both = ["junk@mail.example", "not_junk@mail.example"]
    with smtplib.LMTP("127.0.0.1", service.port, timeout=30) as client:
        assert sent(client, both, b"x" * MAX_BYTES + b"\r\n") == [552, 552]
        assert sent(client, both, MAIL) == [250, 250]
    assert Received.objects.count() == 2


@pytest.mark.kill
def test_a_mail_on_its_way_comes_in_after_sigterm_and_no_other_is_begun(service: Service) -> None:
    client = smtplib.LMTP("127.0.0.1", service.port, timeout=20)
    idle = smtplib.LMTP("127.0.0.1", service.port, timeout=20)
    client.ehlo_or_helo_if_needed()
    client.mail("pat@far.example")
    client.rcpt("junk@mail.example")
    client.docmd("DATA")
    client.send(b"Subject: half\r\n\r\n")
    service.child.send_signal(signal.SIGTERM)

    def is_closed() -> bool:
        try:
            socket.create_connection(("127.0.0.1", service.port), 5).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:  # it was just closing
            return False
        return False

    assert eventually(is_closed, 10)
    assert idle.sock.recv(1) == b""
    client.send(b"and the rest\r\n.\r\n")
    assert client.getreply()[0] == 250
    assert service.child.wait(10) == 0
    assert bytes(Received.objects.get().raw) == b"Subject: half\r\n\r\nand the rest\r\n"
    client.close()
    idle.close()


@pytest.mark.kill
def test_beyond_so_many_connections_it_says_to_come_again(service: Service) -> None:
    lines = [smtplib.LMTP("127.0.0.1", service.port, timeout=10) for _ in range(CONNECTIONS)]
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        smtplib.LMTP("127.0.0.1", service.port, timeout=10)
    assert refused.value.smtp_code == 421
    lines.pop().close()

    def is_taken() -> bool:
        try:
            smtplib.LMTP("127.0.0.1", service.port, timeout=10).close()
        except smtplib.SMTPConnectError:
            return False
        return True

    assert eventually(is_taken, 10)
    for line in lines:
        line.close()


@pytest.mark.kill
def test_without_a_database_the_mail_stays_with_the_mail_server(tmp_path: Path) -> None:
    place = f"unix:{tmp_path}/receive.sock"
    environ = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/none/there.sqlite3"}
    child = subprocess.Popen(
        [sys.executable, "manage.py", "receive", "--listen", place],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        assert b"Taking mail" in child.stdout.readline()
        with smtplib.LMTP(f"{tmp_path}/receive.sock", local_hostname="far.example") as client:
            both = ["junk@mail.example", "not_junk@mail.example"]
            assert sent(client, both, MAIL) == [451, 451]
    finally:
        child.terminate()
        assert child.wait(20) == 0
        child.stdout.close()


@pytest.mark.parametrize(
    ("text", "is_private"),
    [
        ("127.0.0.1:2525", True),
        ("[::1]:2525", True),
        ("unix:/run/postern.sock", True),
        ("192.0.2.1:25", False),
        ("[2001:db8::1]:25", False),
    ],
)
def test_a_place_says_whether_others_reach_it(text: str, *, is_private: bool) -> None:
    assert Place.parse(text).is_private is is_private


@pytest.mark.parametrize("text", ["", "2525", "localhost:2525", "127.0.0.1:70000", "unix:a", ":1"])
def test_what_is_no_place_is_refused_with_words(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape("127.0.0.1:2525")):
        Place.parse(text)
