"""The mail that came back: whose it was, and how to find it again."""

import binascii
import re
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Final

from mailroom.addresses import mailbox
from mailroom.diagnosis import Original
from mailroom.sections import decode

MAX_LINES: Final = 2000
MAX_VALUE: Final = 2000  # characters of one header, before decoding
MAX_WORDS: Final = 40  # encoded words (RFC 2047) decoded in one header

_WANTED: Final = ("from", "to", "subject", "message-id", "date", "return-path")
_HEADER = re.compile(r"([A-Za-z-]{2,20})[ \t]?:[ \t]*(.*)")
_NAME = re.compile(r"""^\s*(.{0,500}?)\s*<[^<>]{0,500}>""")


def read_original(text: str) -> Original | None:
    """Read the headers at the beginning of ``text``; None if there are none worth having."""
    headers: dict[str, str] = {}
    name = ""
    lines = text.split("\n", MAX_LINES)[:MAX_LINES]
    for line in lines:
        if line[:1] in (" ", "\t") and line.strip():
            if name and len(headers[name]) < MAX_VALUE:
                headers[name] += " " + line.strip()[:MAX_VALUE]
            continue
        name = ""
        if not line.strip():
            if headers:
                break
            continue
        found = _HEADER.match(line[:MAX_VALUE])
        if found and (low := found[1].lower()) in _WANTED and low not in headers:
            name = low
            headers[name] = found[2]
    return _original(headers) if headers else None


def _original(headers: dict[str, str]) -> Original | None:
    sender = headers.get("from", "")
    original = Original(
        sender_name=_display_name(sender),
        sender_email=clean(mailbox(sender) or mailbox(headers.get("return-path", ""))),
        to=clean(mailbox(headers.get("to", ""))),
        subject=readable(headers.get("subject", "")),
        message_id=clean(headers.get("message-id", "")).strip("<> "),
        date=clean(headers.get("date", "")),
    )
    return original if original != Original() else None


def _display_name(value: str) -> str:
    found = _NAME.match(value[:MAX_VALUE])
    name = readable(found[1].strip().strip("\"'")) if found else ""
    return name.strip("\"' ")


def readable(value: str) -> str:
    """Decode the encoded words of a header (at most ``MAX_WORDS``) and clean it."""
    value = value[:MAX_VALUE]
    if value.isascii() and "=?" not in value:
        return clean(value)
    if not value.isascii():
        value = decode(value.encode("utf-8", "surrogateescape"), "utf-8")
    if not 0 < value.count("=?") <= MAX_WORDS:
        return clean(value)
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError, binascii.Error):
        return clean(value)
    return clean(
        "".join(
            decode(octets, charset or "ascii") if isinstance(octets, bytes) else octets
            for octets, charset in pieces
        )
    )


def clean(value: str) -> str:
    """One line without control characters, bidirectional marks or lone surrogates."""
    flat = " ".join(value[:MAX_VALUE].split())
    return flat if flat.isprintable() else "".join(c for c in flat if c.isprintable() or c == " ")
