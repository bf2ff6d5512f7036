"""Cells: the blocks in which the list is read, written and compared.

A cell is a block as wide as the widest prefix that may be listed (a /16 or a
/32: ``escalation.prefixes.WIDEST``).  So every listing and every exception
lies in one cell, and a change concerns that cell alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, compress, count
from operator import eq, ge

from escalation import prefixes
from escalation.prefixes import WIDEST, Prefix
from listings import ranges

# A cell is named by so many first characters of the keys in it: 4 bits each, behind ::ffff:0:0/96.
COLUMNS = 5  # of a cell without dates
NAME = {4: (96 + WIDEST[4]) // 4, 6: WIDEST[6] // 4}


def name_of(prefix: Prefix) -> str:
    """The name of the cell that holds ``prefix``.

    >>> from ipaddress import ip_network
    >>> name_of(ip_network("198.51.100.0/24")), name_of(ip_network("2001:db8::/48"))
    ('00000000000000000000ffffc633', '20010db8')
    """
    return prefixes.key(prefix.network_address)[: NAME[prefix.version]]


def family_of(name: str) -> int:
    return 4 if len(name) == NAME[4] else 6


def keys_in(name: str) -> tuple[str, str]:
    """The keys of the first and the last address of a cell."""
    return name.ljust(32, "0"), name.ljust(32, "f")


@dataclass(frozen=True, slots=True)
class Row:
    """A listing or an exception, as the database writes it.

    ``reason_class`` is empty for an exception; the moments are as the database
    prints them, and only there for a form that shows them.
    """

    prefix: bytes
    reason_class: bytes
    number: bytes
    listed_at: bytes = b""
    expires_at: bytes = b""

    @property
    def takes_out(self) -> bool:
        return not self.reason_class

    @property
    def length(self) -> int:
        return int(self.prefix.rpartition(b"/")[2])

    @property
    def shown(self) -> bytes:
        """The prefix as people write it: an address without its length."""
        address, _slash, length = self.prefix.rpartition(b"/")
        return address if length == (b"128" if b":" in address else b"32") else self.prefix


class Cell:
    """All enforced listings and live exceptions of one cell.

    ``lines`` are sorted by first key, the widest first and of two equal ones
    the listing last: ``first, after, prefix, reason class, number[, listed at,
    expires at]``, with tabs, and a line end.
    """

    def __init__(self, name: str, lines: Sequence[bytes]) -> None:
        self.name = name
        self.family = family_of(name)
        fields = b"\t".join(lines).split(b"\t") if lines else []
        width = len(fields) // len(lines) if lines else COLUMNS
        self.columns = [fields[n::width] for n in range(width)]

    @property
    def n_listings(self) -> int:
        return len(self.columns[3]) - self.columns[3].count(b"")

    def rows(self) -> Iterator[Row]:
        *columns, last = self.columns[2:]
        return map(Row, *columns, map(bytes.rstrip, last))

    @cached_property
    def flat(self) -> list[bytes]:
        """The fewest prefixes that hold all that is refused, in order, exceptions taken out.

        Prefixes that touch no other are most of any list, and stay as they are.
        """
        if b"" in self.columns[3]:
            return list(self._merged(self._marks()))
        firsts, afters, texts = self.columns[:3]
        # Without exceptions, what lies in a wider one says nothing more.
        ends = chain((b"",), accumulate(afters, max))
        alone = list(map(ge, firsts, ends))
        if not all(alone):
            firsts, afters, texts = (list(compress(its, alone)) for its in (firsts, afters, texts))
        found: list[bytes] = []
        done = 0
        # Where one begins right behind another, they may be parts of a wider prefix.
        for start, stop in _groups(compress(count(1), map(eq, firsts[1:], afters))):
            found += texts[done:start]
            found += self._merged(
                (int(first, 16) & self._mask, int(after, 16) - 1 & self._mask, True)
                for first, after in zip(firsts[start:stop], afters[start:stop], strict=True)
            )
            done = stop
        return found + texts[done:] if done else texts

    @property
    def _mask(self) -> int:
        return ranges.MASK[self.family]

    def _marks(self) -> Iterator[ranges.Mark]:
        firsts, afters, _texts, classes = self.columns[:4]
        for first, after, its in zip(firsts, afters, classes, strict=True):
            yield int(first, 16) & self._mask, int(after, 16) - 1 & self._mask, bool(its)

    def _merged(self, marks: Iterable[ranges.Mark]) -> Iterator[bytes]:
        texts = ranges.texts(ranges.enforced(marks), self.family)
        return (text.encode("ascii") for text in texts)


def _groups(joined: Iterable[int]) -> Iterator[tuple[int, int]]:
    """From and to (exclusive) of each run of rows that touch, given the rows that touch one before.

    >>> list(_groups([3, 4, 9]))
    [(2, 5), (8, 10)]
    """
    start = stop = -1
    for row in joined:
        if row != stop:
            if stop > 0:
                yield start, stop
            start = row - 1
        stop = row + 1
    if stop > 0:
        yield start, stop


def names(changed: Iterable[Prefix]) -> set[str]:
    """The cells that hold these prefixes."""
    return {name_of(prefix) for prefix in changed}
