"""Pages of a long list by key: newest first, no counting, no skipping of rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import models
from django.http import QueryDict

Row = TypeVar("Row", bound=models.Model)

SIZE = 25  # rows of one page


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, newest first; ``newer`` and ``older`` are query strings, "" at the ends."""

    rows: list[Row]
    newer: str
    older: str


def page(rows: "models.QuerySet[Row]", query: Mapping[str, Any], size: int = SIZE) -> Page[Row]:
    """The page that ``query`` asks for with ``before`` or ``after`` (a primary key).

    One query; anything else in ``query`` (filters) is kept in the links.  A
    key that is no number asks for the first page.
    """
    before, after = _number(query.get("before")), _number(query.get("after"))
    if after is not None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: size + 1])
        more_newer, more_older = len(found) > size, True
        found = found[:size][::-1]
    else:
        older = rows if before is None else rows.filter(pk__lt=before)
        found = list(older.order_by("-pk")[: size + 1])
        more_newer, more_older = before is not None, len(found) > size
        found = found[:size]
    return Page(
        found,
        _link(query, after=found[0].pk) if found and more_newer else "",
        _link(query, before=found[-1].pk) if found and more_older else "",
    )


def _number(text: object) -> int | None:
    plain = str(text)
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 19 else None


def _link(query: Mapping[str, Any], **keys: int) -> str:
    words = query.copy() if isinstance(query, QueryDict) else QueryDict(mutable=True)
    for name in ("before", "after"):
        words.pop(name, None)
    for name, key in keys.items():
        words[name] = str(key)
    return f"?{words.urlencode()}"
