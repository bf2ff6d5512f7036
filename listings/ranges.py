"""Prefixes as ranges of numbers: what nested listings and exceptions come to.

Pure, and lazy: nothing here holds more than the prefixes that are open at one
point, so a list of millions streams through.
"""

from collections.abc import Iterable, Iterator

from escalation import prefixes

BITS = {4: 32, 6: 128}
MASK = {4: (1 << 32) - 1, 6: (1 << 128) - 1}  # a key's number to an address of the family

Mark = tuple[int, int, bool]  # first, last, and whether it lists (or takes out)
Range = tuple[int, int]  # first and last address


def enforced(marks: Iterable[Mark]) -> Iterator[Range]:
    """Yield what is listed, in order, neighbours merged.

    ``marks`` are prefixes, sorted by first address and the widest first.  The
    most specific one that holds an address decides; of two equal ones the
    later in the order.
    """
    start, end = 0, -1
    for first, last in _parts(marks):
        if first == end + 1 and end >= 0:
            end = last
            continue
        if end >= 0:
            yield start, end
        start, end = first, last
    if end >= 0:
        yield start, end


def _parts(marks: Iterable[Mark]) -> Iterator[Range]:
    """What is listed, in order, cut wherever a prefix begins or ends."""
    around: list[tuple[int, bool]] = []  # the prefixes that hold ``at``, innermost last
    at = 0
    for first, last, lists in marks:
        while around and around[-1][0] < first:
            end, on = around.pop()
            if on and at <= end:
                yield at, end
            at = max(at, end + 1)
        if around and around[-1][1] and at < first:
            yield at, first - 1
        at = first
        around.append((last, lists))
    while around:
        end, on = around.pop()
        if on and at <= end:
            yield at, end
        at = max(at, end + 1)


def texts(ranges: Iterable[Range], family: int) -> Iterator[str]:
    """Yield the fewest prefixes that make up ``ranges``, as canonical text."""
    bits = BITS[family]
    for first, last in ranges:
        if first == last:
            yield prefixes.text(first, bits, family)
            continue
        while first <= last:
            fits = (last - first + 1).bit_length() - 1
            aligned = (first & -first).bit_length() - 1 if first else bits
            size = min(fits, aligned)
            yield prefixes.text(first, bits - size, family)
            first += 1 << size
