"""Write cidr tables (cidr_table(5)): the first line that matches counts, in the file's order.

So in each cell the most specific comes first, an exception as ``DUNNO``; and
a cell with many lines is one ``if`` block, which spares Postfix the search.
"""

from collections.abc import Iterator, Sequence

from django.conf import settings

from escalation import prefixes
from listings import cells
from listings.cells import Cell, Row
from listings.editions import Edition
from listings.notations import Notation
from listings.sinks import files

ACCESS, SCREEN = "postfix/client_access.cidr", "postfix/postscreen_access.cidr"
FILES = {"client_access.cidr": ACCESS, "postscreen_access.cidr": SCREEN}
WANTS: tuple[str, ...] = ()
STATUS = "550 5.7.606"
BLOCK = 8  # lines of a cell from which on it gets an ``if`` of its own
CANARY = "127.0.0.2"


def lines(cell: Cell) -> Sequence[bytes]:
    """The rows in the order of their search, each with its answer."""
    rows = sorted(cell.rows(), key=lambda row: (-row.length, row.takes_out))
    first: dict[bytes, Row] = {}
    for row in rows:
        first.setdefault(row.prefix, row)
    found = [_line(row) for row in first.values()]
    if len(found) < BLOCK:
        return found
    low, _high = cells.keys_in(cell.name)
    length = prefixes.WIDEST[cell.family]
    outer = f"{prefixes.from_key(low)}/{length}".encode()
    return [b"if " + outer, *found, b"endif"]


def _line(row: Row) -> bytes:
    if row.takes_out:
        return row.prefix + b" DUNNO"
    return b"%b %b" % (row.prefix, reply(row.shown.decode("ascii"), row.number.decode()).encode())


def reply(shown: str, number: str) -> str:
    """What a refused client is told, after what Postfix adds: whom it concerns, where to go."""
    return (
        f"{STATUS} Mail from {shown} is refused: see "
        f"{settings.POSTERN_URL}/delist/?address={shown} (L{number})"
    )


NOTATION = Notation("postfix", lines)


def prepare(edition: Edition) -> None:
    bodies = edition.bodies(NOTATION)
    count = sum(body.count for body in bodies)

    def access() -> Iterator[bytes]:
        yield f"{CANARY}/32 {STATUS} Test entry, serial {edition.serial}\n".encode()
        yield from files.body_parts(bodies)

    def screen() -> Iterator[bytes]:
        yield f"{CANARY}/32 reject\n".encode()
        yield from files.body_parts(bodies, screened)

    files.prepare(
        edition, ACCESS, "check_client_access cidr: see docs/operate/postfix.md", access, count
    )
    files.prepare(
        edition, SCREEN, "postscreen_access_list cidr: see docs/operate/postfix.md", screen, count
    )


def screened(part: bytes) -> bytes:
    """Lines of the access table as postscreen takes them, which knows no text."""
    return b"".join(_screened(line) for line in part.splitlines(keepends=True))


def _screened(line: bytes) -> bytes:
    prefix, _space, answer = line.partition(b" ")
    if not answer or prefix == b"if":  # endif has none
        return line
    return prefix + (b" dunno\n" if answer.startswith(b"DUNNO") else b" reject\n")


def switch(edition: Edition) -> None:
    files.switch(edition, FILES.values())
