"""The command that reads the mail servers' logs: once to the end, or as they are written."""

import contextlib
import gzip
import os
import signal
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress

from escalation.errors import Refused
from listings.hits import Count, Ingest
from traffic.logs import FORMATS
from traffic.logs.position import Position, open_log, warm_lines

PAUSE = 1.0  # seconds between two looks at a log that is followed


class Command(BaseCommand):
    help = (
        "Counts what mail servers have logged: refusals on their listings and by recipient's "
        "domain, accepted mail by recipient's domain. A line counts once, however often its log is "
        "read, rotated, copied or compressed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("logs", nargs="+", type=Path, metavar="LOG", help="Also LOG.gz.")
        parser.add_argument("--format", choices=FORMATS, default="postfix")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--once", action="store_true", help="Read to the end and stop (default).")
        how.add_argument("--follow", action="store_true", help="Go on as the logs grow and rotate.")

    def handle(self, *, logs: list[Path], follow: bool, **options: Any) -> None:
        count = Count()
        self.format: str = options["format"]
        try:
            if follow:
                self.follow(logs, count)
            else:
                self.once(logs, count)
        except Refused as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(
            f"{count.lines} new lines: {count.refused} refusals ({count.unlisted} of no listing), "
            f"{count.accepted} accepted."
        )

    def once(self, logs: list[Path], count: Count) -> None:
        with _bar(len(logs)) as step:
            for path in logs:
                try:
                    self._read(path, count)
                except (OSError, EOFError, zlib.error) as error:
                    why = getattr(error, "strerror", None) or error
                    raise CommandError(f"{path} cannot be read: {why}.") from error
                step()

    def _read(self, path: Path, count: Count) -> None:
        if (ingest := self.opened(path, count)) is not None:
            with contextlib.closing(ingest.position.file):
                ingest.run()

    def opened(self, path: Path, count: Count) -> Ingest | None:
        position = open_log(path)
        if position is None:
            return None
        reader = FORMATS[self.format]()
        for line in warm_lines(position):
            reader(line)
        return Ingest(position, reader, count)

    def follow(self, logs: list[Path], count: Count) -> None:
        """Read on until SIGTERM or Ctrl-C; a log that is not there is awaited."""
        stop = _Stop()
        opened: dict[Path, Ingest | None] = dict.fromkeys(logs)
        while True:
            n = sum(self._look(path, opened, count) for path in logs)
            if stop.asked:
                break
            if not n:
                time.sleep(PAUSE)
        for ingest in opened.values():
            if ingest is not None:
                ingest.position.file.close()

    def _look(self, path: Path, opened: dict[Path, Ingest | None], count: Count) -> int:
        """Read what is new of one log; of a rotated one, first to the end of the old file."""
        ingest = opened[path]
        if ingest is None:
            with contextlib.suppress(FileNotFoundError):
                ingest = opened[path] = self.opened(path, count)
            if ingest is None:
                return 0
        moved = _is_another(path, ingest.position)
        n = ingest.run()
        if moved:
            ingest.position.file.close()
            opened[path] = None
        return n + moved


def _is_another(path: Path, position: Position) -> bool:
    """Whether another file has the name by now, or the same one was cut (copytruncate)."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return True
    own = os.fstat(position.file.fileno())
    is_packed = isinstance(position.file, gzip.GzipFile)  # its offset is of the text
    was_cut = not is_packed and now.st_size < position.offset
    return was_cut or now.st_ino != own.st_ino or now.st_dev != own.st_dev


class _Stop:
    """Remembers that we were asked to stop, so that a batch ends before we do."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


@contextlib.contextmanager
def _bar(total: int) -> Iterator[Any]:
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("Reading", total=total)
        yield lambda: bar.advance(task)
