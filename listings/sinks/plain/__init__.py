"""The plain feed: one prefix a line, in a file and over HTTP.  See README.md."""

from functools import partial

from listings.editions import Edition
from listings.models import Publication, Sink
from listings.notations import FLAT as NOTATION
from listings.sinks import Expected, fetched, files, flat

FILES = {"": "plain.txt", "4": "plain-4.txt", "6": "plain-6.txt"}
FAMILIES = {"": None, "4": 4, "6": 6}
WANTS: tuple[str, ...] = ()
WORDS = "One prefix on each line (RFC 4632, RFC 4291): mail from these addresses is refused."

__all__ = ["FILES", "NOTATION", "WANTS", "prepare", "read_back", "switch"]


def prepare(edition: Edition) -> None:
    for key, name in FILES.items():
        bodies = edition.bodies(NOTATION, FAMILIES[key])
        count = sum(body.count for body in bodies)
        files.prepare(edition, name, WORDS, partial(files.body_parts, bodies), count)


def switch(edition: Edition) -> None:
    files.switch(edition, FILES.values())


def read_back(sink: Sink, publication: Publication, expected: Expected) -> str:
    """Check serial and checksum of each file, and the changed addresses in it."""
    for key, name in FILES.items():
        head = files.check(name, publication)
        its = [one for one in expected if FAMILIES[key] in (None, one[0].version)]
        flat.check(name, its)
        if not key:
            whole = head
    fetched.prove(sink, publication)
    return f"plain.txt: serial {whole.serial}, {whole.count} prefixes, sha256 {whole.sha256}"
