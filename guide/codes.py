"""The dictionary of refusals: SMTP replies and enhanced status codes (RFC 3463, RFC 5248).

``codes.toml`` holds what receivers and public lists say, and what we say ourselves.  An entry is
found by its code, by a mark such as S3150, or by the words of a reply.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from django.conf import settings
from django.utils.translation import get_language

FILE: Final = Path(__file__).with_name("codes.toml")
OURS: Final = "ours"
LONGEST: Final = 2000  # characters of a reply that are held against the words
GIVEN_UP: Final = (4, 7)  # X.4.7: delivery time expired
VENDOR: Final = 100  # details from here on are nobody's but one receiver's

CODE: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")
WITHIN: Final = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\d|\.\d)")
_RANGE: Final = re.compile(rf"{CODE.pattern}(?:-{CODE.pattern})?")
_SIGN: Final = re.compile(r"[^a-z0-9.]+")

Fixer = Literal["sender", "recipient", "owner", "service", "nobody"]
Code = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Words:
    """What an entry says in one language."""

    title: str
    means: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One meaning of a refusal.

    ``said_by`` is whose reply it is: "" for the standard, ``ours``, else a receiver or a list.
    ``self_service`` is ``ours`` (our portal), ``form`` (a page of theirs, at ``where``) or ``no``.
    """

    id: str
    said_by: str
    ranges: tuple[tuple[Code, Code], ...]
    codes: tuple[str, ...]
    smtp: tuple[str, ...]
    names: tuple[str, ...]
    words: tuple[str, ...]
    fixers: tuple[Fixer, ...]
    self_service: str
    where: str
    source: str
    texts: dict[str, Words] = field(repr=False)

    def covers(self, code: Code) -> bool:
        return any(first <= code <= last for first, last in self.ranges)

    @property
    def said(self) -> Words:
        """The words in the reader's language."""
        spoken = (get_language() or settings.LANGUAGE_CODE)[:2]
        return self.texts.get(spoken) or self.texts["en"]

    @property
    def label(self) -> str:
        """What a list of entries calls it: its codes, or its marks."""
        return ", ".join([*self.codes, *self.names]) or ", ".join(self.smtp)

    @property
    def slug(self) -> str:
        """The last part of the address of its page."""
        first = self.codes[0].partition("-")[0] if self.codes else ""
        mark = next((slug_of(name) for name in self.names if name.isascii()), "")
        many = bool(self.ranges) and self.ranges[0][0][2] < VENDOR
        return (mark if many and mark else first) or mark or self.id

    @property
    def heading(self) -> str:
        """The title as a heading: with a capital, unless it begins with a name such as iCloud."""
        title = self.said.title
        return title[0].upper() + title[1:] if title.split()[0].islower() else title


@cache
def entries() -> tuple[Entry, ...]:
    """All entries, in the order of the file; raises ``ValueError`` for one that is not right."""
    with FILE.open("rb") as file:
        rows = tomllib.load(file)["entry"]
    return tuple(_entry(row) for row in rows)


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(
        id=row["id"],
        said_by=row["said_by"],
        ranges=tuple(_range(text) for text in row["codes"]),
        codes=tuple(row["codes"]),
        smtp=tuple(row["smtp"]),
        names=tuple(row["names"]),
        words=tuple(row["words"]),
        fixers=tuple(row["fixers"]),
        self_service=row["self_service"],
        where=row["where"],
        source=row["source"],
        texts={
            language: Words(
                row[language]["title"], row[language]["means"], tuple(row[language]["steps"])
            )
            for language, _name in settings.LANGUAGES
        },
    )


def _range(text: str) -> tuple[Code, Code]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no enhanced status code")
    parts = [int(part) for part in found.groups() if part is not None]
    return (parts[0], parts[1], parts[2]), (parts[-3], parts[-2], parts[-1])


def parse(text: str) -> Code | None:
    """An enhanced status code (RFC 3463, section 2), None if this is none."""
    found = CODE.fullmatch(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def slug_of(text: str) -> str:
    """A mark as it stands in an address: lower case, dots and hyphens.

    >>> slug_of("AS(1430)")
    'as-1430'
    """
    return _SIGN.sub("-", text.lower()).strip("-.")


def named(slug: str) -> list[Entry]:
    """The entries that a page's address means: by code, by id or by a mark; ours first."""
    code = parse(slug)
    wanted = slug_of(slug)
    found = [
        entry
        for entry in entries()
        if (code is not None and entry.covers(code))
        or wanted == entry.id
        or wanted in entry.smtp
        or any(slug_of(name) == wanted for name in entry.names)
    ]
    return sorted(found, key=_rank)


def _rank(entry: Entry) -> int:
    """Ours, then those of one receiver, then the standard's."""
    return 0 if entry.said_by == OURS else 1 if entry.said_by else 2


def best(status: str, smtp_code: str, reply: str, *, ours: bool) -> Entry | None:
    """The entry that says most exactly what a reply means; None if none fits.

    An entry with words of its own fits only where the reply has one of them, unless its code is
    nobody else's.
    """
    low, code = reply[:LONGEST].lower(), parse(status)
    if code is not None and code[1:] == GIVEN_UP and (inner := WITHIN.findall(low)):
        code = parse(inner[-1])  # after days of trying, the last reply says why
    scored = [(_score(entry, code, smtp_code, low, ours), entry) for entry in entries()]
    fitting = [(score, entry) for score, entry in scored if score > 0]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def _score(entry: Entry, code: Code | None, smtp_code: str, low: str, ours: bool) -> int:
    if (entry.said_by == OURS) != ours and entry.said_by:
        return 0
    covered = code is not None and entry.covers(code)
    told = longest_of(entry.words, low)
    marked = longest_of((name.lower() for name in entry.names if len(name) > 3), low)
    if entry.codes and not covered and code is not None and not (told and _says_little(code)):
        return 0
    if entry.smtp and smtp_code and smtp_code not in entry.smtp:
        told = marked = 0
    if entry.said_by and entry.said_by != OURS and not told and not marked:
        alone = covered and code is not None and code[2] >= VENDOR
        return 2 if alone else 0
    if not entry.said_by and not entry.codes:
        return 1 if code is None and smtp_code in entry.smtp else 0
    return 10 * (told + marked) + 5 * covered + (3 if entry.said_by else 0)


def _says_little(code: Code) -> bool:
    """Whether a code names no cause, so that the words behind it tell more."""
    return code[1] == 0 or code[2] == 0


def longest_of(words: Iterable[str], low: str) -> int:
    """The length of the longest of ``words`` that ``low`` has, 0 for none."""
    return max((len(word) for word in words if word in low), default=0)
