"""The way of a message: its Received fields (RFC 5321, section 4.4), as servers really write them.

Each server writes its own line on top.  Whatever stands below the line of a server that we trust
was written by whoever sent the message: who may be believed, and how far, is a matter of
``abuse.attribution``.
"""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from mailroom.addresses import canonical, clean_host

MOST: Final = 30  # hops of one message
LONGEST: Final = 2000  # octets of one field that are read

_RECEIVED: Final = re.compile(
    r"^received[ \t]*:([^\n]{0,2000}(?:\n[ \t][^\n]{0,2000}){0,20})", re.IGNORECASE | re.MULTILINE
)
_REMARK: Final = re.compile(r"\([^()]*\)")
_REMARKS: Final = re.compile(r"\(((?:[^()]|\([^()]*\)){0,2000})\)")
# What the client said of itself, as servers repeat it: it may look like an address.
_SAID: Final = re.compile(r"\b(?:[he]{2}lo[ =]|ident[=:])\S{1,512}", re.IGNORECASE)
_BY: Final = re.compile(r"(?:^|\s)by\s+([^\s;()]{1,255})", re.IGNORECASE)
_FROM: Final = re.compile(r"^\s*from\s+(\S{1,255})", re.IGNORECASE)
# Where a client's address stands: in brackets, or bare in a remark, as qmail and Exchange do it.
_LITERAL: Final = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f.:]{3,45})\]", re.IGNORECASE)
_BARE: Final = re.compile(r"(?:\S{1,255}[ @])?([0-9A-Fa-f.:]{3,51})")


@dataclass(frozen=True, slots=True)
class Hop:
    """One hand-over: the client's address and the name it gave itself, who took it, and when.

    "" for what the line does not say; ``at`` is the date as it stands there, in ISO 8601.
    """

    address: str
    name: str
    by: str
    at: str


def hops(head: str) -> list[Hop]:
    """The hops that a header block (lines ended by LF) names, the last one first."""
    return [_hop(found[1]) for found in list(_RECEIVED.finditer(head))[:MOST]]


def _hop(value: str) -> Hop:
    trace, semicolon, date = " ".join(value[:LONGEST].split()).rpartition(";")
    if not semicolon:
        trace, date = date, ""
    name = _FROM.match(trace)
    rest = trace[name.end() :] if name else trace
    by = _BY.search(_without_remarks(rest))
    client = rest[: by.start()] if by else rest
    return Hop(
        address=_address(name[1], client) if name else "",
        name=clean_host(name[1]).lower() if name else "",
        by=clean_host(by[1]).lower() if by else "",
        at=_moment(date),
    )


def _without_remarks(text: str) -> str:
    """``text`` with blanks in place of its remarks, each sign where it was."""
    for _ in range(2):  # a remark in a remark is as deep as servers go
        text = _REMARK.sub(lambda found: " " * len(found[0]), text)
    return text


def _address(name: str, remarks: str) -> str:
    """The address that the server saw: the first one in its remarks, as further remarks may repeat
    what stands in a certificate of the client.

    The name is what the client said in HELO; Exim puts the address in its place if there is none
    in the remarks.
    """
    for remark in _REMARKS.findall(remarks):
        remark = _SAID.sub("", remark).strip()
        found = _LITERAL.search(remark) or _BARE.fullmatch(remark)
        if found and (address := canonical(found[1]) or canonical(clean_host(found[1]))):
            return address
    literal = _LITERAL.fullmatch(name)
    return canonical(literal[1]) if literal else ""


def _moment(text: str) -> str:
    try:
        return parsedate_to_datetime(text.strip()).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
