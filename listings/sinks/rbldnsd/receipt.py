"""Prove what rbldnsd serves, by asking it as a mail server does (RFC 5782)."""

import contextlib
import ipaddress
import re
import select
import socket
import time
from collections.abc import Iterator, Mapping

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.reversename

from escalation.errors import TryAgainLater
from escalation.prefixes import Address
from listings.models import Publication, Sink
from listings.sinks import Expected, endpoints
from listings.sinks.rbldnsd.writer import CANARY, NEVER, soa_serial, test_text

PATIENCE = 6.0  # seconds for all answers
AGAIN = 1.5  # seconds after which a question is sent again
AT_ONCE = 50  # questions under way
DNS = 53
MOST = 4096  # bytes of an answer that are read

Answers = Mapping[tuple[str, str], dns.message.Message]


def read_back(sink: Sink, publication: Publication, expected: Expected) -> str:
    """Ask for the serial, the test entries and the changed addresses.

    Raises ``TryAgainLater`` with what the server says instead.
    """
    where, zone = endpoints.parse(sink.server, DNS), sink.zone.strip(".")
    if not zone:
        raise TryAgainLater("the sink has no zone: enter one at the desk")
    wanted = [(zone, "SOA")]
    wanted += [(name_in(zone, address), "TXT") for address in CANARY.values()]
    wanted += [(name_in(zone, address), "A") for address in NEVER.values()]
    wanted += [(name_in(zone, address), "A") for address, _refused in expected]
    answers = ask(where, wanted)
    _check_serials(answers, zone, publication)
    for never in NEVER.values():
        if _listed(answers, zone, never):
            raise TryAgainLater(f"{never} is listed, as if everything were")
    for address, refused in expected:
        if _listed(answers, zone, address) != refused:
            verb = "is not listed yet" if refused else "is still listed"
            raise TryAgainLater(f"{address} {verb} in {zone}")
    n = len(expected)
    return f"{zone} at {sink.server}: serial {publication.serial}, {n} changed addresses looked up"


def name_in(zone: str, address: Address | str) -> str:
    """The name under which a DNSBL is asked for an address (RFC 5782, sections 2.1 and 2.4).

    >>> name_in("bl.example", "192.0.2.99")
    '99.2.0.192.bl.example'
    """
    pointer = ipaddress.ip_address(str(address)).reverse_pointer
    return f"{pointer.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{zone}"


def _check_serials(answers: Answers, zone: str, publication: Publication) -> None:
    ours = publication.serial
    for record in _records(answers, zone, "SOA"):
        serial = int(record.split()[2])
        if serial != soa_serial(ours):
            raise TryAgainLater(f"{zone} has serial {serial}")
        break
    else:
        raise TryAgainLater(f"{zone} has no SOA: is it loaded?")
    for family, address in CANARY.items():
        texts = _records(answers, name_in(zone, address), "TXT")
        if not any(re.search(rf"{test_text(ours)}\b", text) for text in texts):
            said = "; ".join(texts)[:120] or "nothing"
            raise TryAgainLater(f"the IPv{family} data set is not of serial {ours}: it says {said}")


def _listed(answers: Answers, zone: str, address: Address | str) -> bool:
    codes = _records(answers, name_in(zone, address), "A")
    for code in codes:  # 127.255.255.x is how lists refuse to answer
        if not code.startswith("127.0.0."):
            raise TryAgainLater(f"{zone} answers {code} for {address}")
    return bool(codes)


def _records(answers: Answers, name: str, kind: str) -> list[str]:
    wanted = dns.rdatatype.from_text(kind)
    return [
        str(record)
        for rrset in answers[name, kind].answer
        if rrset.rdtype == wanted
        for record in rrset
    ]


def ask(where: tuple[str, int], wanted: list[tuple[str, str]]) -> Answers:
    """Put all questions to one server over UDP, many at a time; a lost one is sent again.

    Raises ``TryAgainLater`` where an answer is missing in the end, or is an error.
    """
    questions = {
        number: dns.message.make_query(name, kind, id=number)
        for number, (name, kind) in enumerate(dict.fromkeys(wanted), 1)
    }
    asked = dict(enumerate(dict.fromkeys(wanted), 1))
    answers: dict[tuple[str, str], dns.message.Message] = {}
    try:
        with contextlib.closing(_socket(where)) as door:
            for number, answer in _exchange(door, questions):
                answers[asked[number]] = answer
    except OSError as error:
        raise TryAgainLater(f"{where[0]} port {where[1]}: {error.strerror or error}") from error
    if missing := [pair for pair in asked.values() if pair not in answers]:
        name, kind = missing[0]
        raise TryAgainLater(f"{where[0]} port {where[1]} does not answer ({kind} of {name})")
    for (name, kind), answer in answers.items():
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            code = dns.rcode.to_text(answer.rcode())
            raise TryAgainLater(f"{where[0]} port {where[1]} answers {code} to {kind} of {name}")
    return answers


def _socket(where: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
    door = socket.socket(family, socket.SOCK_DGRAM)
    door.connect(where)  # so that nobody else's datagram reaches us
    door.setblocking(False)
    return door


def _exchange(
    door: socket.socket, questions: Mapping[int, dns.message.Message]
) -> Iterator[tuple[int, dns.message.Message]]:
    """Yield each answer with the number of its question."""
    end = time.monotonic() + PATIENCE
    waiting, under_way = dict(questions), dict[int, float]()
    while waiting and (now := time.monotonic()) < end:
        stale = [number for number, sent in under_way.items() if now - sent > AGAIN]
        fresh = [number for number in waiting if number not in under_way]
        room = AT_ONCE - len(under_way)
        for number in [*stale, *fresh[: max(room, 0)]]:
            door.send(waiting[number].to_wire())
            under_way[number] = now
        if not select.select([door], [], [], 0.2)[0]:
            continue
        try:
            answer = dns.message.from_wire(door.recv(MOST))
        except BlockingIOError:
            continue
        except dns.exception.DNSException:
            continue  # not an answer to anything
        question = waiting.get(answer.id)
        if question is not None and answer.question == question.question:
            del waiting[answer.id], under_way[answer.id]
            yield answer.id, answer
