"""One edition of the list: what a serial says, written to disk in every notation that is wanted."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from listings import shelf, streams
from listings.cells import Cell
from listings.models import Change, Publication
from listings.notations import FLAT, Notation, dialect
from listings.shelf import FAMILIES, Body, Label, Writer

VALID = timedelta(hours=24)  # then a consumer should doubt a feed: see publishing.HEARTBEAT
FULL_AFTER = timedelta(hours=11)  # the whole list is read again, whatever has changed
MOST_CELLS = 500  # changed; above that the whole list is read
LEFT_BEHIND = 3600.0  # seconds after which a spool folder has lost its writer
SPOOL = ".spool-"


@dataclass(frozen=True, slots=True)
class Edition:
    """What a serial says.  ``folder`` lies beside the feeds and is gone afterwards.

    ``sha256`` is of the flat lines of both families, IPv4 first.  ``n_read`` is
    how many cells were read from the database, the others being as before.
    """

    serial: int
    made_at: datetime
    folder: Path
    sha256: str
    n_read: int
    _bodies: dict[tuple[str, int], Body] = field(repr=False)

    def body(self, notation: Notation, family: int) -> Body:
        return self._bodies[notation.name, family]

    def bodies(self, notation: Notation, family: int | None = None) -> list[Body]:
        """The bodies of both families, IPv4 first, or of one."""
        return [self.body(notation, each) for each in FAMILIES if family in (None, each)]

    @property
    def n_prefixes(self) -> int:
        return sum(body.count for body in self.bodies(FLAT))

    @property
    def n_listings(self) -> int:
        return sum(body.n_listings for body in self.bodies(FLAT))

    @property
    def expires_at(self) -> datetime:
        return self.made_at + VALID


@contextmanager
def spooled(serial: int, notations: Iterable[Notation] = ()) -> Iterator[Edition]:
    """Write what is enforced now in the flat notation and in ``notations``, in bounded memory.

    What an earlier serial has left on the shelf is taken over; only the cells
    that have changed since then are read.  Call it when the serial has begun:
    then every change up to it is committed.
    """
    wanted = [*{notation.name: notation for notation in (FLAT, *notations)}.values()]
    settings.POSTERN_FEED_DIR.mkdir(parents=True, exist_ok=True)
    _sweep_up()
    made_at = timezone.now().replace(microsecond=0)
    base = _base(wanted, made_at)
    changed = _changed(base, serial) if base else None
    if changed is None:
        base = None
    with tempfile.TemporaryDirectory(dir=settings.POSTERN_FEED_DIR, prefix=SPOOL) as name:
        folder, n_read = Path(name), 0
        try:
            writers = _writers(folder, wanted, base)
        except OSError:  # another publication has just put its own on the shelf
            base = changed = None
            writers = _writers(folder, wanted, base)
        for cell in _cells(changed, dated=any(its.dated for its in wanted)):
            n_read += 1
            for writer in writers:
                if writer.family == cell.family:
                    writer.add(cell)
        bodies = {(its.notation.name, its.family): its.finish() for its in writers}
        sha256 = _digest(bodies[FLAT.name, family].path for family in FAMILIES)
        yield Edition(serial, made_at, folder, sha256, n_read, bodies)
        full_at = base.full_at if base else made_at.isoformat()
        names = [notation.name for notation in wanted]
        shelf.keep(folder, Label(serial, sha256, full_at, dialect(), names))


def _writers(folder: Path, notations: Iterable[Notation], base: Label | None) -> list[Writer]:
    return [Writer(folder, its, family, base) for its in notations for family in FAMILIES]


def _base(notations: Sequence[Notation], now: datetime) -> Label | None:
    """What is on the shelf, if it is ours, whole, and not too old."""
    kept = shelf.label()
    if kept is None or not {notation.name for notation in notations} <= set(kept.notations):
        return None
    if kept.dialect != dialect():
        return None
    if not timedelta() <= now - datetime.fromisoformat(kept.full_at) < FULL_AFTER:
        return None
    ours = Publication.objects.filter(serial=kept.serial, sha256=kept.sha256)
    return kept if ours.exists() and shelf.is_whole(kept, notations) else None


def _changed(base: Label, serial: int) -> list[str] | None:
    """Names of the cells that have changed, in order; None if they are very many."""
    since = Change.objects.filter(serial__gt=base.serial, serial__lte=serial)
    found = since.order_by("cell").values_list("cell", flat=True).distinct()[: MOST_CELLS + 1]
    return list(found) if len(found) <= MOST_CELLS else None


def _cells(changed: list[str] | None, *, dated: bool) -> Iterator[Cell]:
    """The cells of these names as they are now; None for all that there are."""
    if changed is None:
        return streams.read(dated=dated)
    return (streams.read_one(name, dated=dated) for name in changed)


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while part := file.read(shelf.CHUNK):
                digest.update(part)
    return digest.hexdigest()


def _sweep_up() -> None:
    """Take away what writers left behind that were killed."""
    for folder in settings.POSTERN_FEED_DIR.glob(f"{SPOOL}*"):
        try:
            age = time.time() - folder.stat().st_mtime
        except FileNotFoundError:
            continue
        if age > LEFT_BEHIND:
            shutil.rmtree(folder, ignore_errors=True)
