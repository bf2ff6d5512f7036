"""Everything that enforces the list: one folder a kind, found by its name.

A further kind is one more folder with ``prepare``, ``switch`` and ``read_back``.
"""

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

from escalation.prefixes import Prefix
from listings.editions import Edition
from listings.models import Publication

Expected = Iterable[tuple[Prefix, bool]]  # prefixes, and whether any of each is refused


class Kind(Protocol):
    """What a folder of this package offers."""

    def prepare(self, edition: Edition) -> None:
        """Do all that is slow, beside what is served now and without touching it."""
        ...

    def switch(self, edition: Edition) -> None:
        """Serve what was prepared; at once, and so that a repetition does no harm."""
        ...

    def read_back(self, publication: Publication, expected: Expected) -> str:
        """Ask the sink, as its users do, and return what proves that it serves the serial.

        Raises ``TryAgainLater`` saying what it serves instead.
        """
        ...


KINDS: dict[str, Kind] = {
    found.name: cast(Kind, import_module(f"{__name__}.{found.name}"))
    for found in iter_modules(__path__)
    if found.ispkg
}
