"""An HTTP map for rspamd's multimap, proved by its request log.  docs/operate/rspamd.md."""

from collections.abc import Iterator

from listings.editions import Edition
from listings.models import Publication, Sink
from listings.notations import FLAT as NOTATION
from listings.sinks import Expected, fetched, files, flat

FILES = {"": "rspamd/map.txt"}
WANTS = ("token_digest",)
CANARY = "127.0.0.2/32"
WORDS = "rspamd multimap, type ip: see docs/operate/rspamd.md"

__all__ = ["FILES", "NOTATION", "WANTS", "prepare", "read_back", "switch"]


def prepare(edition: Edition) -> None:
    """The flat list, since a map knows no exceptions."""
    bodies = edition.bodies(NOTATION)

    def parts() -> Iterator[bytes]:
        yield f"{CANARY}\n".encode()
        yield from files.body_parts(bodies)

    files.prepare(edition, FILES[""], WORDS, parts, sum(body.count for body in bodies))


def switch(edition: Edition) -> None:
    files.switch(edition, FILES.values())


def read_back(sink: Sink, publication: Publication, expected: Expected) -> str:
    """The map on disk, and the request log: which serial rspamd has fetched, and when.

    Raises ``TryAgainLater`` for a sink without a token: nobody else can tell who asked.
    """
    files.check(FILES[""], publication)
    flat.check(FILES[""], expected)
    return fetched.must_prove(sink, publication)
