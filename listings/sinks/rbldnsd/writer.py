"""Write ip4trie and ip6trie data sets (rbldnsd(8)): of all that hold an address the longest counts.

Exceptions stand in the same data set, as ``!`` takes out of no other.  Every
line has its length: without it, trailing zero groups would widen a prefix.
"""

import os
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from django.conf import settings

from listings.cells import Cell
from listings.editions import Edition
from listings.formats.rbldnsd import CODES
from listings.models import ReasonClass
from listings.notations import Notation
from listings.shelf import Body
from listings.sinks import files

FILES = {"ip4.zone": "rbldnsd/ip4.zone", "ip6.zone": "rbldnsd/ip6.zone"}
WANTS = ("server", "zone")
FAMILY = {"ip4.zone": 4, "ip6.zone": 6}
TTL = 60  # seconds; without it rbldnsd would say 2100, and so long would a delisted address wait
# What a TXT record says of each class: in ASCII, in English, as it goes into other people's logs.
WORDS = {
    ReasonClass.AUTOMATIC: "unwanted mail seen",
    ReasonClass.TRAP: "spam trap or snowshoe",
    ReasonClass.POLICY: "dynamic space, or no reverse name",
    ReasonClass.RANGE: "range",
    ReasonClass.MANUAL: "listed by hand",
    ReasonClass.TENANT: "blocked by the organisation written to",
}
ENDS = {
    str(reason).encode(): f" :127.0.0.{code}:{WORDS[reason]}".encode()
    for reason, code in CODES.items()
}
TEST_CODE = 2  # RFC 5782, section 5
LISTED = {4: ["127.0.0.2/32"], 6: ["::ffff:7f00:2/128", "100::7f00:2/128"]}
# The second says which serial the IPv6 data set is of: in a zone with both, rbldnsd answers for the
# first out of the IPv4 data set.  100::/64 is for discarding (RFC 6666): no mail comes from there.
CANARY = {4: "127.0.0.2", 6: "100::7f00:2"}
NEVER = {4: "127.0.0.1", 6: "100::7f00:1"}  # not listed, in whatever zone


def lines(cell: Cell) -> Sequence[bytes]:
    """A line for each row; of two equal prefixes the listing alone, as rbldnsd takes the first."""
    texts, classes = cell.columns[2:4]
    listed = {text for text, its in zip(texts, classes, strict=True) if its}
    return [
        text + ENDS[its] if its else b"!" + text
        for text, its in dict.fromkeys(zip(texts, classes, strict=True))
        if its or text not in listed
    ]


NOTATION = Notation("rbldnsd", lines)


def prepare(edition: Edition) -> None:
    for key, name in FILES.items():
        body = edition.body(NOTATION, FAMILY[key])

        def parts(body: Body = body, family: int = FAMILY[key]) -> Iterator[bytes]:
            yield _opening(edition.serial, family).encode("ascii")
            yield from files.body_parts([body])

        words = f"rbldnsd: ip{FAMILY[key]}trie. A: 127.0.0.x by class; see docs/operate/rbldnsd.md."
        files.prepare(edition, name, words, parts, body.count)


def switch(edition: Edition) -> None:
    """Each file gets a later second than the one it replaces.

    rbldnsd knows a new file by its size and the whole seconds of its time: of two
    lists within a second it would keep the first.
    """
    for name in FILES.values():
        ready, path = files.ready_path(edition, name), files.path_of(name)
        if path.exists() and int(ready.stat().st_mtime) <= int(path.stat().st_mtime):
            later = int(path.stat().st_mtime) + 1
            os.utime(ready, (later, later))
    files.switch(edition, FILES.values())


def _opening(serial: int, family: int) -> str:
    """SOA, NS, TTL, the frame of every TXT, and the test entries of RFC 5782, section 5.

    SOA and NS name this desk: people look there for who is behind a zone.
    """
    host = urlsplit(settings.POSTERN_URL).hostname or "localhost"
    person = settings.POSTERN_POSTMASTER.replace("@", ".")
    tests = "".join(
        f"{entry} :127.0.0.{TEST_CODE}:={test_text(serial)}\n" for entry in LISTED[family]
    )
    return (
        f"$SOA {TTL} {host} {person} {soa_serial(serial)} 1h 15m 7d {TTL}\n"
        f"$NS {TTL} {host}\n"
        f"$TTL {TTL}\n"
        f"{tests}"
        f"$= Mail from $ is refused ($=): see {settings.POSTERN_URL}/delist/?address=$\n"
    )


def soa_serial(serial: int) -> int:
    """A serial as an SOA can hold it: 32 bits (RFC 1035, section 3.3.13)."""
    return serial % (1 << 32)


def test_text(serial: int) -> str:
    """What the TXT of a test entry says: which serial this very data set is of."""
    return f"Test entry of this list, serial {serial}"
