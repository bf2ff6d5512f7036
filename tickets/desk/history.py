"""The history of a case, with the names that people read."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from tickets.lifecycle import Event, State
from tickets.models import Case, Entry

SHOWN = 100  # entries of one page


def entries(case: Case) -> "QuerySet[Entry]":
    """Every entry with who made it, the latest first."""
    return case.entries.select_related("user", "ticket__tenant").order_by("-pk")


def of(case: Case) -> dict[str, Any]:
    """The latest entries, and whether there are more."""
    found = list(entries(case)[: SHOWN + 1])
    return {"entries": named(found[:SHOWN]), "has_more": len(found) > SHOWN}


def named(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Entries with the names of their event and states."""
    return [
        {
            "entry": entry,
            "event": Event(entry.event).label,
            "source": State(entry.source).label,
            "target": State(entry.target).label,
        }
        for entry in entries
    ]
