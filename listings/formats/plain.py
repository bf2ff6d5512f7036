"""One prefix on each line; ``#`` begins a comment."""

from collections.abc import Iterable, Iterator

from escalation.errors import Refused
from escalation.prefixes import parse_prefix
from listings import queries, ranges
from listings.formats.rows import Bad, Row


def read(lines: Iterable[str]) -> Iterator[Row | Bad]:
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            yield Row(number, parse_prefix(text))
        except Refused as refusal:
            yield Bad(number, refusal.message)


def write() -> Iterator[str]:
    """What is refused, merged, with every exception already taken out."""
    for family in (4, 6):
        yield from ranges.texts(queries.enforced_ranges(family), family)
