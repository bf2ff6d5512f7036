"""Sets for nftables, brought in whole by ``nft -f``.  docs/operate/nftables.md."""

from collections.abc import Iterator

from listings.editions import Edition
from listings.models import Publication, Sink
from listings.notations import FLAT as NOTATION
from listings.sinks import Expected, fetched, files

FILES = {"": "nftables/sets.nft"}
WANTS: tuple[str, ...] = ()
WORDS = "nft -f: table inet postern, sets refused4 and refused6; see docs/operate/nftables.md"
TYPES = {4: "ipv4_addr", 6: "ipv6_addr"}

__all__ = ["FILES", "NOTATION", "WANTS", "prepare", "read_back", "switch"]


def prepare(edition: Edition) -> None:
    """One transaction: the sets are emptied and filled, and nobody sees them in between."""
    bodies = edition.bodies(NOTATION)
    count = sum(body.count for body in bodies)

    def parts() -> Iterator[bytes]:
        yield b"add table inet postern\n"
        for family, its_type in TYPES.items():
            name = f"inet postern refused{family}"
            yield (
                f"add set {name} {{ type {its_type}; flags interval; auto-merge; }}\n"
                f"flush set {name}\n"
            ).encode()
            yield from files.body_parts([edition.body(NOTATION, family)], _adder(name))

    files.prepare(edition, FILES[""], WORDS, parts, count)


def _adder(name: str) -> files.Changed:
    head = f"add element {name} {{\n".encode()

    def add(part: bytes) -> bytes:
        return head + part.rstrip(b"\n").replace(b"\n", b",\n") + b"\n}\n" if part else b""

    return add


def switch(edition: Edition) -> None:
    files.switch(edition, FILES.values())


def read_back(sink: Sink, publication: Publication, expected: Expected) -> str:
    """The file on disk; the request log of a sink with a token, else its hook has brought it in.

    Raises ``TryAgainLater`` for a sink that has neither: nothing would show what the kernel holds.
    """
    head = files.check(FILES[""], publication)
    if sink.push and not sink.token_digest:
        return f"hook {sink.push} has brought in serial {head.serial}, {head.count} prefixes"
    return fetched.must_prove(sink, publication)
