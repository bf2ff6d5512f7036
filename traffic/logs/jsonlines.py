"""One JSON object a line: ``time``, ``client``, ``action``, ``recipient``, ``sender``, ``listing``.

``action`` is ``refused`` or ``accepted``; ``time`` is RFC 3339.  See docs/operate/logs.md.
"""

import json
from datetime import UTC, datetime
from typing import Any

from traffic.events import MAX_LINE, Event, made

ACTIONS = {"refused": True, "accepted": False}


def read(line: bytes) -> Event | None:
    if len(line) > MAX_LINE or not line.startswith(b"{"):
        return None
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    action = _text(said.get("action")) if isinstance(said, dict) else ""
    if action not in ACTIONS:
        return None
    at = _moment(said.get("time"))
    if at is None:
        return None
    listing = said.get("listing")
    return made(
        at,
        _text(said.get("client")),
        is_refused=ACTIONS[action],
        sender=_text(said.get("sender")),
        recipient=_text(said.get("recipient")),
        listing=listing if isinstance(listing, int) and 0 < listing < 1 << 60 else 0,
    )


def reader() -> Any:
    return read


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(value))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
