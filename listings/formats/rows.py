"""What a line of a list file comes to."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from escalation.prefixes import Prefix


@dataclass(frozen=True, slots=True)
class Row:
    """One prefix of line ``number``: to be listed, or taken out of what is wider.

    Empty fields are for the importer to fill in.
    """

    number: int
    prefix: Prefix
    takes_out: bool = False
    reason_class: str = ""
    source: str = ""
    evidence: str = ""
    listed_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that cannot be taken, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Format:
    """How a format is read, and how the present list is written in it."""

    read: Callable[[Iterable[str]], Iterator[Row | Bad]]
    write: Callable[[], Iterator[str]]


def cleaned(text: str) -> str:
    """Text as a database keeps it: one line, no control characters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
