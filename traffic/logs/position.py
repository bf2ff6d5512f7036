"""Which part of a log is new: it is known by its first line, however it was rotated or packed."""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from django.utils import timezone

from escalation.errors import Refused
from traffic.models import LogFile

FIRST = 4096  # bytes of the first line that make the fingerprint
TAIL = 256  # bytes before the offset that must be as they were
WARM = 1 << 18  # bytes before the offset that are read again, without counting
CHUNK = 1 << 20


class ReadElsewhere(Refused):
    """Somebody else reads the same log at this moment."""

    code = "log-read-elsewhere"


class AnotherLog(Refused):
    """A log whose first line is known, but not what comes after it."""

    code = "another-log"


@dataclass(slots=True)
class Position:
    """An open log, its row, and how far it is read; ``tail`` are the last bytes before that."""

    file: IO[bytes]
    row: LogFile
    offset: int
    tail: bytes

    def lines(self) -> Iterator[bytes]:
        """The whole lines that are new.  One without its end is left for the next time."""
        while line := self.file.readline(CHUNK):
            if not line.endswith(b"\n") and len(line) < CHUNK:
                self.file.seek(self.offset)
                return
            self.offset += len(line)
            self.tail = (self.tail + line)[-TAIL:]
            yield line

    def save(self) -> None:
        """Note how far it has been read, in the caller's transaction; once for each part.

        Raises ``ReadElsewhere`` if another process has read on meanwhile: then
        what was counted must be rolled back.
        """
        mine = LogFile.objects.filter(pk=self.row.pk, offset=self.row.offset)
        moved = mine.update(
            offset=self.offset, tail_digest=_digest(self.tail), read_at=timezone.now()
        )
        if not moved:
            raise ReadElsewhere(f"{self.row.path} is being read by another process.")

    def saved(self) -> None:
        """Take note, after the commit, that ``save`` holds."""
        self.row.offset = self.offset


def open_log(path: Path) -> Position | None:
    """Open a log where reading it ended the last time; None while it has no whole line.

    Raises ``OSError`` for what cannot be read, and ``AnotherLog`` with words.
    """
    file = _opened(path)
    first = file.readline(FIRST)
    if not first.endswith(b"\n") and len(first) < FIRST:
        file.close()
        return None
    row, _made = LogFile.objects.get_or_create(
        fingerprint=_digest(first), defaults={"path": str(path)[:500]}
    )
    tail = _read_tail(file, row.offset)
    if row.offset and _digest(tail) != row.tail_digest:
        file.close()
        raise AnotherLog(
            f"{path} begins like a log that has been read up to byte {row.offset}, and is another "
            "there: nothing was counted. Was it cut or edited? What it lacks cannot be told apart."
        )
    file.seek(row.offset)
    return Position(file, row, row.offset, tail)


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    return path.open("rb")


def warm_lines(position: Position) -> Iterator[bytes]:
    """The lines just before the position, for a reader that remembers; they count no more."""
    start = max(position.offset - WARM, 0)
    position.file.seek(start)
    left = position.offset - start
    while left > 0 and (line := position.file.readline(left)):
        left -= len(line)
        yield line
    position.file.seek(position.offset)


def _read_tail(file: IO[bytes], offset: int) -> bytes:
    file.seek(max(offset - TAIL, 0))
    return file.read(min(offset, TAIL))


def _digest(some: bytes) -> str:
    return hashlib.sha256(some).hexdigest()
