"""One edition of the list, computed from the database and spooled to disk."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from listings import queries, ranges
from listings.models import Listing

VALID = timedelta(hours=24)  # then a consumer should doubt a feed: see publishing.HEARTBEAT
LEFT_BEHIND = 3600.0  # seconds after which a spool folder has lost its writer
SPOOL = ".spool-"


@dataclass(frozen=True, slots=True)
class Body:
    """The prefixes of one family, a line each, in order."""

    path: Path
    count: int


@dataclass(frozen=True, slots=True)
class Edition:
    """What a serial says.  ``folder`` lies beside the feeds and is gone afterwards.

    ``sha256`` is of the lines of both families, IPv4 first.
    """

    serial: int
    made_at: datetime
    folder: Path
    bodies: dict[int, Body]
    n_listings: int
    sha256: str

    @property
    def n_prefixes(self) -> int:
        return sum(body.count for body in self.bodies.values())

    @property
    def expires_at(self) -> datetime:
        return self.made_at + VALID


@contextmanager
def spooled(serial: int) -> Iterator[Edition]:
    """Read what is enforced now and write it down, in bounded memory."""
    settings.POSTERN_FEED_DIR.mkdir(parents=True, exist_ok=True)
    _sweep_up()
    made_at = timezone.now().replace(microsecond=0)
    with tempfile.TemporaryDirectory(dir=settings.POSTERN_FEED_DIR, prefix=SPOOL) as name:
        folder, digest = Path(name), hashlib.sha256()
        bodies = {}
        for family in (4, 6):
            path, count = folder / f"body-{family}", 0
            with path.open("wb") as file:
                for text in ranges.texts(queries.enforced_ranges(family), family):
                    line = text.encode("ascii") + b"\n"
                    digest.update(line)
                    file.write(line)
                    count += 1
            bodies[family] = Body(path, count)
        n_listings = Listing.objects.enforced().count()
        yield Edition(serial, made_at, folder, bodies, n_listings, digest.hexdigest())


def _sweep_up() -> None:
    """Take away what writers left behind that were killed."""
    for folder in settings.POSTERN_FEED_DIR.glob(f"{SPOOL}*"):
        try:
            age = time.time() - folder.stat().st_mtime
        except FileNotFoundError:
            continue
        if age > LEFT_BEHIND:
            shutil.rmtree(folder, ignore_errors=True)
