"""What proves that rbldnsd serves a serial; against answers of every kind, and against none."""

import socket
import threading
from collections.abc import Callable, Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from escalation.errors import TryAgainLater
from escalation.prefixes import Address, parse_address
from listings.models import Publication, Sink
from listings.sinks import endpoints
from listings.sinks.rbldnsd import receipt, writer
from listings.sinks.rbldnsd.receipt import name_in, read_back
from listings.sinks.rbldnsd.writer import CANARY, NEVER

ZONE = "bl.mail.example"
LISTED, FREE = "198.51.100.7", "2001:db8::8"
EXPECTED: list[tuple[Address, bool]] = [
    (parse_address(LISTED), True),
    (parse_address(FREE), False),
]
Answer = Callable[[dns.message.Message], bytes | list[bytes]]


class Zone:
    """A server that answers as rbldnsd does for a list of serial 42, until a test spoils it."""

    def __init__(self) -> None:
        self.soa, self.texts = 42, {4: 42, 6: 42}
        self.listed = {LISTED: "127.0.0.4"}
        self.rcode = dns.rcode.NOERROR
        self.lose = 0
        self.garbage = False
        self.door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.door.bind(("127.0.0.1", 0))
        self.door.settimeout(0.1)
        self.ended = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def where(self) -> str:
        return f"127.0.0.1:{self.door.getsockname()[1]}"

    def _serve(self) -> None:
        while not self.ended:
            try:
                asked, client = self.door.recvfrom(4096)
            except TimeoutError:
                continue
            if self.lose:
                self.lose -= 1
                continue
            if self.garbage:
                self.door.sendto(b"\0" * 5, client)
                self.door.sendto(self.answer(asked, forged=True), client)
            self.door.sendto(self.answer(asked), client)

    def answer(self, asked: bytes, *, forged: bool = False) -> bytes:
        question = dns.message.from_wire(asked)
        answer = dns.message.make_response(question)
        answer.set_rcode(self.rcode)
        name = question.question[0].name.to_text(omit_final_dot=True)
        if self.rcode == dns.rcode.NOERROR:
            for kind, text in self._records(name):
                answer.answer.append(dns.rrset.from_text(name + ".", 60, "IN", kind, text))
        if forged:  # somebody else's question, with the number of ours
            answer.question = dns.message.make_query("evil.example", "A").question
        return answer.to_wire()

    def _records(self, name: str) -> Iterator[tuple[str, str]]:
        if name == ZONE:
            yield "SOA", f"desk.example. p.example. {self.soa} 60 60 60 60"
        for family, address in CANARY.items():
            if name == name_in(ZONE, address):
                yield "TXT", f'"{writer.test_text(self.texts[family])}"'
        for address, code in self.listed.items():
            if name == name_in(ZONE, address):
                yield "A", code


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zone]:
    monkeypatch.setattr(receipt, "PATIENCE", 1.0)
    monkeypatch.setattr(receipt, "AGAIN", 0.2)
    server = Zone()
    yield server
    server.ended = True
    server.thread.join()
    server.door.close()


def prove(server: Zone, /, **facts: str) -> str:
    sink = Sink(name="names", kind="rbldnsd", **{"server": server.where, "zone": ZONE, **facts})
    return read_back(sink, Publication(serial=42), EXPECTED)


def test_serial_test_entries_and_changes_are_a_receipt(zone: Zone) -> None:
    assert prove(zone) == f"{ZONE} at {zone.where}: serial 42, 2 changed addresses looked up"


def test_a_name_is_asked_as_the_standard_says() -> None:
    assert name_in("x.example", "192.0.2.99") == "99.2.0.192.x.example"
    assert name_in("x.example", "2001:db8::1").startswith("1.0.0.0.0.0.0.0.0.0")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda zone: setattr(zone, "soa", 41), "has serial 41"),
        (lambda zone: setattr(zone, "texts", {4: 41, 6: 42}), "IPv4 data set is not of serial 42"),
        (lambda zone: setattr(zone, "texts", {4: 42, 6: 41}), "IPv6 data set is not of serial 42"),
        (lambda zone: zone.listed.clear(), f"{LISTED} is not listed yet"),
        (lambda zone: zone.listed.update({FREE: "127.0.0.2"}), f"{FREE} is still listed"),
        (lambda zone: zone.listed.update({NEVER[4]: "127.0.0.2"}), "as if everything were"),
        (lambda zone: zone.listed.update({NEVER[6]: "127.0.0.2"}), "as if everything were"),
        (lambda zone: zone.listed.update({LISTED: "127.255.255.254"}), "answers 127.255.255.254"),
        (lambda zone: setattr(zone, "rcode", dns.rcode.SERVFAIL), "answers SERVFAIL"),
        (lambda zone: setattr(zone, "rcode", dns.rcode.REFUSED), "answers REFUSED"),
        (lambda zone: setattr(zone, "rcode", dns.rcode.NXDOMAIN), "has no SOA"),
        (lambda zone: setattr(zone, "lose", 10_000), "does not answer"),
    ],
)
def test_anything_else_is_said_and_is_no_receipt(
    zone: Zone, spoil: Callable[[Zone], object], words: str
) -> None:
    spoil(zone)

    with pytest.raises(TryAgainLater, match=words.replace(".", r"\.")):
        prove(zone)


def test_lost_datagrams_are_asked_again_and_garbage_is_passed_over(zone: Zone) -> None:
    zone.lose, zone.garbage = 3, True

    assert "serial 42" in prove(zone)


def test_a_server_that_is_down_is_named() -> None:
    door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    door.bind(("127.0.0.1", 0))
    where = f"127.0.0.1:{door.getsockname()[1]}"
    door.close()

    with pytest.raises(TryAgainLater, match=r"127\.0\.0\.1 port"):
        read_back(Sink(server=where, zone=ZONE), Publication(serial=42), [])


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"zone": ""}, "has no zone"),
        ({"server": ""}, "no address:port"),
        ({"server": "ns.example:53"}, "no address:port"),
        ({"server": "127.0.0.1:0"}, "no such port"),
        ({"server": "127.0.0.1:x"}, "no such port"),
    ],
)
def test_a_sink_that_lacks_something_says_what(
    zone: Zone, facts: dict[str, str], words: str
) -> None:
    with pytest.raises(TryAgainLater, match=words):
        prove(zone, **facts)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1", ("127.0.0.1", 53)), ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("[::1]:5353", ("::1", 5353)), ("[::1]", ("::1", 53)), ("::1", ("::1", 53)),
    ],
)  # fmt: skip
def test_servers_are_written_as_people_write_them(text: str, found: tuple[str, int]) -> None:
    assert endpoints.parse(text, 53) == found
