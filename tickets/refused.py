"""Who of a tenant's correspondents was refused: the rows of the page and of the API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.dateparse import parse_datetime

from escalation import prefixes
from escalation.actors import Actor
from listings import queries as listed
from tickets.models import Ticket
from traffic import queries as logged
from traffic.queries import Correspondent

PERIODS = (7, 30)  # days that can be asked for; the first is the default
SIZE = 25  # rows of one page
_KEY = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Row:
    """A correspondent, whether the list still refuses it, and the tenant's open ticket about it."""

    who: Correspondent
    is_listed: bool
    ticket: Ticket | None

    @property
    def new_ticket(self) -> str:
        """Where the form for a ticket about it is, filled in."""
        known = {
            "prefix": str(self.who.address),
            "sender_email": self.who.sender,
            "recipient": self.who.recipient,
        }
        filled = urlencode({name: value for name, value in known.items() if value})
        return f"{reverse('tickets:new')}?{filled}"


@dataclass(frozen=True, slots=True)
class Found:
    """A page of rows, the last refused first; ``older`` is the query of the next, "" at the end."""

    rows: list[Row]
    days: int
    text: str
    older: str


def page(actor: Actor, query: Mapping[str, Any]) -> Found:
    """The page that ``query`` asks for with ``days``, ``q`` and ``before``; five queries."""
    days = _days(query.get("days"))
    text = str(query.get("q", "")).strip()[:320]
    found = logged.correspondents(
        actor, days=days, after=_place(query.get("before")), text=text, n=SIZE + 1
    )
    shown = found[:SIZE]
    refused = listed.listed_among([who.address for who in shown])
    tickets = Ticket.objects.visible_to(actor).open().filter(prefix__in=[w.prefix for w in shown])
    by_prefix = {ticket.prefix: ticket for ticket in tickets}
    rows = [Row(who, who.address in refused, by_prefix.get(who.prefix)) for who in shown]
    older = {"days": days, "q": text, "before": _before(shown[-1]) if shown else ""}
    return Found(rows, days, text, f"?{urlencode(older)}" if len(found) > SIZE else "")


def _before(who: Correspondent) -> str:
    """The place of the last row of a page, as the next page is asked for."""
    return f"{who.last_at.isoformat()}_{prefixes.key(who.address)}"


def _days(text: object) -> int:
    return next((days for days in PERIODS if str(days) == text), PERIODS[0])


def _place(text: object) -> tuple[datetime, str] | None:
    written, _bar, key = str(text or "").partition("_")
    try:
        moment = parse_datetime(written.replace(" ", "+"))
        if moment is None or moment.tzinfo is None or not _KEY.fullmatch(key):
            return None
        return moment.astimezone(UTC), key
    except (ValueError, OverflowError):  # also a moment that is before or after all time in UTC
        return None
