"""The list as JSON, with class and times, for firewalls and other programs.  See README.md."""

import json
from collections.abc import Iterator, Sequence

from django.conf import settings

from listings.cells import Cell, Row
from listings.editions import Edition
from listings.models import Publication, Sink
from listings.notations import Notation
from listings.sinks import Expected, fetched, files

FILES = {"": "json/list.json"}
WANTS: tuple[str, ...] = ()
CANARY = '{"id":0,"cidr":"127.0.0.2/32","class":"test"}'

__all__ = ["FILES", "NOTATION", "WANTS", "prepare", "read_back", "switch"]


def lines(cell: Cell) -> Sequence[bytes]:
    """An object for each row, as nested as they are: the most specific decides, then a listing."""
    return [_object(row) for row in cell.rows()]


def _object(row: Row) -> bytes:
    if row.takes_out:
        return b',{"id":%b,"cidr":"%b","exception":true}' % (row.number, row.prefix)
    url = f"{settings.POSTERN_URL}/delist/?address=".encode() + row.shown
    return b',{"id":%b,"cidr":"%b","class":"%b","since":%b,"until":%b,"url":%b}' % (
        row.number, row.prefix, row.reason_class, _moment(row.listed_at), _moment(row.expires_at),
        json.dumps(url.decode()).encode(),
    )  # fmt: skip


def _moment(printed: bytes) -> bytes:
    """ISO 8601 out of what either database prints, which is in UTC."""
    return b'"' + printed[:19].replace(b" ", b"T") + b'Z"' if printed else b"null"


NOTATION = Notation("json", lines, dated=True)


def prepare(edition: Edition) -> None:
    bodies = edition.bodies(NOTATION)

    def parts() -> Iterator[bytes]:
        yield f"{CANARY}\n".encode()
        yield from files.body_parts(bodies)
        yield b"]}\n"

    said = files.facts(edition, parts(), sum(body.count for body in bodies))
    head = json.dumps(said, separators=(",", ":")).removesuffix("}") + ',"listings":[\n'
    files.write(edition, FILES[""], [head.encode("ascii")], parts())


def switch(edition: Edition) -> None:
    files.switch(edition, FILES.values())


def read_back(sink: Sink, publication: Publication, expected: Expected) -> str:
    """Serial and checksum of the file; for a sink with a token, that it was fetched."""
    head = files.check(FILES[""], publication)
    fetch = fetched.prove(sink, publication)
    return fetch or f"list.json: serial {head.serial}, {head.count} rows, sha256 {head.sha256}"
