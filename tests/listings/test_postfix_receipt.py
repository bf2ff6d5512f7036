"""What proves that Postfix goes by a serial: its own search, and its own words over SMTP."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from escalation.errors import TryAgainLater
from escalation.prefixes import Address, parse_address
from escalation.serve import unused_port
from listings.models import Publication, Sink
from listings.sinks import files
from listings.sinks.postfix import receipt
from listings.sinks.postfix.receipt import read_back
from listings.sinks.postfix.writer import ACCESS
from tests.listings.factories import let_in, make_exception, make_listing, publish

pytestmark = pytest.mark.django_db
HAS_POSTMAP = shutil.which("postmap", path=":".join(receipt.POSTMAP))


@pytest.fixture
def sink(db: None) -> Sink:
    if HAS_POSTMAP is None:
        pytest.skip("No postmap found. On Debian: apt-get install postfix")
    sink = Sink.objects.create(name="mx1", kind="postfix")
    make_exception(make_listing("198.51.100.0/24"), "198.51.100.9")
    make_listing("2001:db8::/64")
    publish()
    return sink


def newest() -> Publication:
    return Publication.objects.published().latest("serial")


LISTED: list[tuple[Address, bool]] = [
    (parse_address("198.51.100.8"), True),
    (parse_address("198.51.100.9"), False),
    (parse_address("2001:db8::1"), True),
]


def test_postmap_says_what_the_database_says(sink: Sink) -> None:
    proof = read_back(sink, newest(), LISTED)

    assert proof == f"client_access.cidr: serial {newest().serial}, 3 changed addresses looked up"


@pytest.mark.parametrize(
    ("address", "said", "words"),
    [("198.51.100.9", True, "not refused yet"), ("198.51.100.8", False, "still refused")],
)
def test_a_wrong_verdict_is_no_receipt(sink: Sink, address: str, said: bool, words: str) -> None:
    with pytest.raises(TryAgainLater, match=f"{address} is {words}"):
        read_back(sink, newest(), [(parse_address(address), said)])


def test_a_table_elsewhere_must_be_of_the_serial_too(sink: Sink, tmp_path: Path) -> None:
    copy = tmp_path / "copy.cidr"
    shutil.copy(files.path_of(ACCESS), copy)
    sink.path = str(copy)
    assert "copy.cidr: serial" in read_back(sink, newest(), LISTED)

    let_in("2001:db8::1")
    publish()

    with pytest.raises(TryAgainLater, match="has serial"):
        read_back(sink, newest(), [])


def test_without_postmap_it_says_what_would_help(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt, "POSTMAP", ("/nonexistent",))

    with pytest.raises(TryAgainLater, match="give the sink a token"):
        read_back(sink, newest(), LISTED)


# -- Over SMTP ---------------------------------------------------------------------------


class Door:
    """A mail server that answers RCPT with words of the test's."""

    words = "250 come in"
    wait = 0.0
    client = ""

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        self.client = session.peer[0]
        await asyncio.sleep(self.wait)
        return self.words


@pytest.fixture
def door(sink: Sink) -> Iterator[Door]:
    handler = Door()
    port = unused_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    sink.server = f"127.0.0.1:{port}"
    yield handler
    controller.stop()


def test_a_server_that_refuses_the_test_entry_with_the_serial_has_proved_it(
    sink: Sink, door: Door
) -> None:
    door.words = _real_words()

    proof = read_back(sink, newest(), LISTED)

    assert f"serial {newest().serial}" in proof
    assert proof.startswith(f"{sink.server} refuses the test entry: 550 5.7.606")
    assert door.client == "127.0.0.2"


def _real_words() -> str:
    """As Postfix answers with the first line of our own table."""
    lines = files.path_of(ACCESS).read_text().splitlines()
    entry = next(line for line in lines if line.startswith("127.0.0.2/32 "))
    code, status, text = entry.split(" ", 1)[1].split(" ", 2)
    return f"{code} {status} <unknown[127.0.0.2]>: Client host rejected: {text}"


@pytest.mark.parametrize(
    "words", ["250 come in", "450 4.7.1 later", "550 5.1.1 no such user", "550 5.7.606 serial 0"]
)
def test_other_words_are_no_receipt_and_are_quoted(sink: Sink, door: Door, words: str) -> None:
    door.words = words

    with pytest.raises(TryAgainLater, match=words[:3]):
        read_back(sink, newest(), LISTED)


def test_the_words_of_another_serial_are_no_receipt(sink: Sink, door: Door) -> None:
    door.words = _real_words() + "0"

    with pytest.raises(TryAgainLater):
        read_back(sink, newest(), LISTED)


def test_a_server_that_hangs_or_is_down_is_named(
    sink: Sink, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt, "TIMEOUT", 0.3)
    door.wait = 2
    with pytest.raises(TryAgainLater, match="does not answer over SMTP"):
        read_back(sink, newest(), [])

    sink.server = "127.0.0.1:1"
    with pytest.raises(TryAgainLater, match="does not answer over SMTP"):
        read_back(sink, newest(), [])
