"""The mail that came back: whose it was, and how to find it again."""

import binascii
import re
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Final

from mailroom.addresses import mailbox
from mailroom.diagnosis import Original
from mailroom.sections import decode

MAX_VALUE: Final = 2000  # characters of one header, before decoding
MAX_WORDS: Final = 40  # encoded words (RFC 2047) decoded in one header

MAX_BLOCK: Final = 64 * 1024  # characters of a header block

_WANTED = re.compile(
    r"^(from|to|subject|message-id|date|return-path)[ \t]{0,8}:"
    r"([^\n]{0,2000}(?:\n[ \t][^\n]{0,2000}){0,20})",
    re.IGNORECASE | re.MULTILINE,
)
_NAMED = re.compile(r"<([^<>]{1,1000})>")
_NAME = re.compile(r"""^\s*(.{0,500}?)\s*<[^<>]{0,500}>""")


def read_original(text: str) -> Original | None:
    """Read the headers at the beginning of ``text``; None if there are none worth having."""
    block = text[:MAX_BLOCK].lstrip("\n").partition("\n\n")[0]
    headers: dict[str, str] = {}
    for found in _WANTED.finditer(block):
        headers.setdefault(found[1].lower(), " ".join(found[2].split()))
    return _original(headers) if headers else None


def _original(headers: dict[str, str]) -> Original | None:
    sender = headers.get("from", "")
    original = Original(
        sender_name=_display_name(sender),
        sender_email=clean(mailbox(sender) or mailbox(headers.get("return-path", ""))),
        to=clean(mailbox(headers.get("to", ""))),
        subject=readable(headers.get("subject", "")),
        message_id=bare_id(headers.get("message-id", "")),
        date=clean(headers.get("date", "")),
    )
    return original if original != Original() else None


def bare_id(value: str) -> str:
    """A Message-ID without brackets, and without the remarks that servers put behind it."""
    flat = clean(value)
    found = _NAMED.search(flat)
    return (found[1] if found else flat.partition(" (")[0]).strip("<> ")


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
