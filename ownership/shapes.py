"""Reading JSON of unknown shape: whatever is not what it should be counts as absent."""

import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from escalation.prefixes import Address

LONGEST = 1000  # characters kept of any one text
LONGEST_REMARK = 20_000
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def text(value: object, most: int = LONGEST) -> str:
    """A text without control characters and lone surrogates; "" for anything else."""
    if not isinstance(value, str):
        return ""
    plain = value[:most].encode("utf-8", "replace").decode("utf-8")
    return CONTROL.sub("", plain).strip()


def line(value: object) -> str:
    """A text on one line."""
    return " ".join(text(value).split())


def several(value: object) -> list[Any]:
    """The members of a list; a lone text or object counts as a list of one."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, (str, dict)) else []


def table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def tables(value: object) -> Iterator[dict[str, Any]]:
    """The objects among the members of a list."""
    return (one for one in several(value) if isinstance(one, dict))


def words(value: object) -> tuple[str, ...]:
    """The texts among the members of a list, in lower case, each once."""
    return tuple(dict.fromkeys(word for one in several(value) if (word := line(one).casefold())))


def address(value: object) -> Address | None:
    """An address as registries write it: padded with zeros, with a length behind it.

    >>> address("074.125.000.000")
    IPv4Address('74.125.0.0')
    >>> address("2a00:2381:ffff::/128")
    IPv6Address('2a00:2381:ffff::')
    """
    plain = text(value).partition("/")[0].strip()
    if re.fullmatch(r"\d{1,3}(\.\d{1,3}){0,3}", plain, re.ASCII):
        octets = [str(int(octet)) for octet in plain.split(".")]
        plain = ".".join(octets + ["0"] * (4 - len(octets)))
    try:
        return ipaddress.ip_address(plain) if "%" not in plain else None
    except ValueError:
        return None


def moment(value: object) -> datetime | None:
    """A time of RFC 3339, or nearly so; without a zone it counts as UTC."""
    try:
        when = datetime.fromisoformat(text(value))
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def event(holder: dict[str, Any], *actions: str) -> datetime | None:
    """The latest event of one of these actions."""
    times = [
        when
        for one in tables(holder.get("events"))
        if line(one.get("eventAction")).casefold() in actions
        and (when := moment(one.get("eventDate")))
    ]
    return max(times, default=None)


def changed(holder: dict[str, Any]) -> datetime | None:
    return event(holder, "last changed", "last update", "last updated")


def remarks(holder: dict[str, Any]) -> list[tuple[str, str]]:
    """Title and text of every remark; a description may be a list or one text."""
    return [
        (
            line(one.get("title")),
            "\n".join(text(part, LONGEST_REMARK) for part in several(one.get("description"))),
        )
        for one in tables(holder.get("remarks"))
    ]
