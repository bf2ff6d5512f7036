"""What was written for the last serial, kept on disk cell by cell, so that the next takes it over.

For each notation and family a *body* (the lines) and an *index* (how much of it
each cell has).  They are a cache: what is missing, damaged or of another
database is written anew from the list.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from listings.cells import Cell
from listings.notations import Notation

FOLDER = ".shelf"
FAMILIES = (4, 6)
CHUNK = 1 << 20  # bytes copied at once


@dataclass(frozen=True, slots=True)
class Body:
    """The lines of one notation and family.  ``count`` is of lines."""

    path: Path
    count: int
    n_listings: int


@dataclass(frozen=True, slots=True)
class Label:
    """Which edition the bodies are of: see ``editions``.

    ``sha256`` is the edition's; ``full_at`` when the whole list was last read (ISO 8601);
    ``dialect`` what the lines depend on besides the list.
    """

    serial: int
    sha256: str
    full_at: str
    dialect: str
    notations: list[str]


@dataclass(frozen=True, slots=True)
class Share:
    """What one cell has of a body: bytes, lines, and the listings they come from."""

    name: str
    size: int
    count: int
    n_listings: int


def folder() -> Path:
    return settings.POSTERN_FEED_DIR / FOLDER


def label() -> Label | None:
    """The label of what is kept, None if nothing is."""
    try:
        return Label(**json.loads((folder() / "label.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _body(where: Path, notation: str, family: int) -> Path:
    return where / f"{notation}-{family}.body"


def _index(where: Path, notation: str, family: int) -> Path:
    return where / f"{notation}-{family}.index"


def is_whole(kept: Label, notations: Iterable[Notation]) -> bool:
    """Whether every body of these notations is there and as long as its index says."""
    where = _place(kept.serial)
    for notation in notations:
        for family in FAMILIES:
            try:
                size = _body(where, notation.name, family).stat().st_size
                if size != sum(share.size for share in shares(where, notation.name, family)):
                    return False
            except (OSError, ValueError):
                return False
    return True


def shares(where: Path, notation: str, family: int) -> Iterator[Share]:
    with _index(where, notation, family).open(encoding="ascii") as file:
        for line in file:
            name, size, count, n_listings = line.split()
            yield Share(name, int(size), int(count), int(n_listings))


def _place(serial: int) -> Path:
    return folder() / str(serial)


def keep(spool: Path, new: Label) -> None:
    """Put the bodies of a spool folder on the shelf, in place of the earlier ones.

    The label goes last: who dies before leaves the earlier ones in force.
    """
    where, ready = _place(new.serial), spool / "label.json"
    if (kept := label()) is not None and kept.serial == new.serial:
        (folder() / ready.name).unlink()
    where.mkdir(parents=True, exist_ok=True)
    for name in new.notations:
        for family in FAMILIES:
            for path in (_body(spool, name, family), _index(spool, name, family)):
                path.replace(where / path.name)
    ready.write_text(json.dumps(asdict(new)))
    ready.replace(folder() / ready.name)
    for other in folder().iterdir():
        if other.is_dir() and other != where:
            _drop(other)


def _drop(old: Path) -> None:
    """Take away an older serial's bodies; a writer that still reads them keeps its open files."""
    for path in old.iterdir():
        path.unlink(missing_ok=True)
    try:
        old.rmdir()
    except OSError:  # somebody has written there meanwhile
        return


class Writer:
    """Writes one notation of one family into ``spool``: cells in order, new ones or taken over.

    ``base`` is the label of what is kept, None to take nothing over.
    """

    def __init__(self, spool: Path, notation: Notation, family: int, base: Label | None) -> None:
        self.notation, self.family = notation, family
        self.path = _body(spool, notation.name, family)
        self._file = self.path.open("wb")
        self._index = _index(spool, notation.name, family).open("w", encoding="ascii")
        self._count = self._n_listings = 0
        self._old: list[Share] = []
        self._at = self._offset = 0
        self._source = None
        if base is not None:
            where = _place(base.serial)
            self._old = list(shares(where, notation.name, family))
            self._source = _body(where, notation.name, family).open("rb")

    def add(self, cell: Cell) -> None:
        """Write a cell anew, and before it take over all that come before it."""
        self._take_over(cell.name)
        lines = self.notation.lines(cell)
        if lines or cell.n_listings:
            size = self._file.write(b"\n".join(lines) + b"\n") if lines else 0
            self._note(Share(cell.name, size, len(lines), cell.n_listings))

    def finish(self) -> Body:
        self._take_over(None)
        self._file.flush()
        os.fsync(self._file.fileno())
        for file in (self._file, self._index, self._source):
            if file is not None:
                file.close()
        return Body(self.path, self._count, self._n_listings)

    def _take_over(self, upto: str | None) -> None:
        """Copy the old cells before ``upto`` (None: all that are left), and step over that one."""
        size = 0
        while self._at < len(self._old):
            share = self._old[self._at]
            if upto is not None and share.name >= upto:
                break
            size += share.size
            self._note(share)
            self._at += 1
        self._copy(size)
        if self._at < len(self._old) and self._old[self._at].name == upto:
            self._offset += self._old[self._at].size
            self._at += 1

    def _copy(self, size: int) -> None:
        if size and self._source is not None:
            self._source.seek(self._offset)
            self._offset += size
            while size > 0 and (part := self._source.read(min(size, CHUNK))):
                size -= self._file.write(part)
        if size:
            raise OSError(f"{self._source and self._source.name} is shorter than its index says")

    def _note(self, share: Share) -> None:
        self._count += share.count
        self._n_listings += share.n_listings
        self._index.write(f"{share.name} {share.size} {share.count} {share.n_listings}\n")
