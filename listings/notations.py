"""How sinks want the list written: the lines that one cell comes to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings

from listings.cells import Cell

VERSION = 1  # raise it when any notation writes the same rows in another way


@dataclass(frozen=True, slots=True)
class Notation:
    """A way to write the list, cell by cell; ``dated`` needs the moments of each listing.

    ``lines`` holds no line end, and the lines of a cell mean the same whatever stands
    in other cells.  Two notations never share a name: it names files.
    """

    name: str
    lines: Callable[[Cell], Sequence[bytes]]
    dated: bool = False


def _flat(cell: Cell) -> Sequence[bytes]:
    return cell.flat


FLAT = Notation("flat", _flat)  # disjoint prefixes in order, for all that knows no exceptions


def dialect() -> str:
    """What the lines of every notation depend on besides the list: another dialect, other lines."""
    return f"{VERSION} {settings.POSTERN_URL}"
