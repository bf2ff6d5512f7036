"""Prove what the plain feed serves, by reading it again as a consumer does."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from escalation import prefixes
from escalation.errors import TryAgainLater
from escalation.prefixes import Prefix
from listings import ranges
from listings.models import Publication
from listings.sinks import Expected
from listings.sinks.plain.files import NAMES, Head, path_of, read_head


def read_back(publication: Publication, expected: Expected) -> str:
    """Check serial, count and checksum of each file, and the changed prefixes in it."""
    wanted = dict(expected)
    for family in NAMES:
        head, there = _read(family, set(wanted))
        if head.serial != publication.serial:
            raise TryAgainLater(f"{NAMES[family]} has serial {head.serial}")
        if family is None and head.sha256 != publication.sha256:
            raise TryAgainLater(f"{NAMES[family]} is not the list of serial {head.serial}")
        for prefix, refused in wanted.items():
            if family in (None, prefix.version) and (prefix in there) != refused:
                verb = "is missing" if refused else "is still there"
                raise TryAgainLater(f"{prefix} {verb} in {NAMES[family]}")
    return f"plain.txt: serial {head.serial}, {head.count} prefixes, sha256 {head.sha256}"


def _read(family: int | None, wanted: set[Prefix]) -> tuple[Head, set[Prefix]]:
    """The head of a file that keeps what its head says, and which prefixes it touches."""
    try:
        with path_of(family).open("rb") as file:
            head = read_head(file)
            digest = hashlib.sha256()
            there = touched(_hashed(file, digest), wanted)
    except (OSError, ValueError) as error:
        raise TryAgainLater(f"{NAMES[family]} cannot be read: {error}") from error
    if digest.hexdigest() != head.sha256:
        raise TryAgainLater(f"{NAMES[family]} is damaged: its checksum does not fit")
    return head, there


def _hashed(file: BinaryIO, digest: "hashlib._Hash") -> Iterator[str]:
    for line in file:
        digest.update(line)
        yield line.decode("ascii").rstrip("\n")


def touched(lines: Iterable[str], wanted: set[Prefix]) -> set[Prefix]:
    """Which of ``wanted`` share an address with any of ``lines``."""
    over: dict[str, list[Prefix]] = defaultdict(list)
    for prefix in wanted:
        for text in prefixes.covering(prefix):
            over[text].append(prefix)
    wide = {prefix for prefix in wanted if not prefixes.is_single(prefix)}
    lengths = sorted({(prefix.version, prefix.prefixlen) for prefix in wide})
    found: set[Prefix] = set()
    for line in lines:
        found.update(over.get(line, ()))
        if wide:
            found.update(_around(line, lengths, over) & wide)
    return found


def _around(
    line: str, lengths: Sequence[tuple[int, int]], over: dict[str, list[Prefix]]
) -> set[Prefix]:
    """The prefixes of these lengths that hold ``line``."""
    inner = prefixes.parse_prefix(line)
    number, bits = int(inner.network_address), ranges.BITS[inner.version]
    found: set[Prefix] = set()
    for family, length in lengths:
        if family == inner.version and length < inner.prefixlen:
            shift = bits - length
            outer = prefixes.text(number >> shift << shift, length, family)
            found.update(prefix for prefix in over.get(outer, ()) if str(prefix) == outer)
    return found
