"""Everything that enforces the list: one folder a kind, found by its name.

A further kind is one more folder that offers what ``Kind`` says; CONTRIBUTING.md
has the steps, and ``tests/listings/test_kinds.py`` holds each to them.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

from escalation.prefixes import Address
from listings.editions import Edition
from listings.models import Publication, Sink
from listings.notations import Notation

Expected = Sequence[tuple[Address, bool]]  # addresses, and whether each is refused


class Kind(Protocol):
    """What a folder of this package offers."""

    NOTATION: Notation  # in which it wants the list
    FILES: Mapping[
        str, str
    ]  # what it writes: by the name under /feeds/<kind>/, "" for the main one
    WANTS: Sequence[str]  # fields of a ``Sink`` without which there is no receipt

    def prepare(self, edition: Edition) -> None:
        """Do all that is slow, beside what is served now and without touching it."""
        ...

    def switch(self, edition: Edition) -> None:
        """Serve what was prepared; at once, and so that a repetition does no harm."""
        ...

    def read_back(self, sink: Sink, publication: Publication, expected: Expected) -> str:
        """Ask the sink, as its users do, and return what proves that it serves the serial.

        Raises ``TryAgainLater`` saying what it serves instead.  Takes no more than
        ``listings.jobs.WORST`` seconds.
        """
        ...


KINDS: dict[str, Kind] = {
    found.name: cast(Kind, import_module(f"{__name__}.{found.name}"))
    for found in iter_modules(__path__)
    if found.ispkg
}
