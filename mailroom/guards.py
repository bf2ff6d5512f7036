"""What a file must not do to us: sizes, parts, depth, headers, seen in the bytes before parsing.

The standard parser is recursive in nesting, and slow in the number of parts, headers and lines.
Everything counted here is therefore counted on the raw bytes, in linear time, and errs on the
side of refusing: a boundary that could mean something else to the parser counts for any line.
"""

import re
from typing import Final

from mailroom.diagnosis import (
    EMPTY,
    OUTLOOK_MSG,
    TOO_DEEP,
    TOO_LARGE,
    TOO_MANY_HEADERS,
    TOO_MANY_PARTS,
)

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_PARTS: Final = 100
MAX_DEPTH: Final = 10
MAX_HEADERS: Final = 2000
MAX_HEADER_BYTES: Final = 256 * 1024
# What is parsed of a file: the notice and the report come first, attachments of the mail last.
HEAD_BYTES: Final = 1024 * 1024
HEAD_LINES: Final = 60_000
LONGEST_BOUNDARY: Final = 200  # RFC 2046 section 5.1.1 allows 70

OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0"

# On lower-cased bytes: a literal beginning and no folding of case make these searches quick.
_DECLARED = re.compile(rb'boundary([\d*]*)\s*=\s*("[^"\n]{0,250}"|[^;\n]{0,250})')
_DELIMITER = re.compile(rb"\n--([^\n]{0,256})")
_FIELD = re.compile(rb"^[^\s:]{1,80}:", re.MULTILINE)
_ANY: Final = b""  # stands for a boundary that any line may be


def refusal(raw: bytes) -> str:
    """Say what is wrong with the file as such: size, emptiness, a format that is not mail."""
    if len(raw) > MAX_BYTES:
        return TOO_LARGE
    if raw.startswith(OLE_MAGIC):
        return OUTLOOK_MSG
    return "" if raw.strip(b" \t\r\n\0") else EMPTY


def head(raw: bytes) -> bytes:
    """Return what is read of ``raw``: its head, with LF line ends and without NULs."""
    raw = raw[:HEAD_BYTES]
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raw = raw.decode("utf-16", "replace").encode("utf-8", "replace")
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\0" in raw:
        raw = raw.replace(b"\0", b"")
    if raw.count(b"\n") > HEAD_LINES:
        raw = raw[:HEAD_LINES]
    return raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\n")


def danger(low: bytes) -> str:
    """Say which limit a message breaks, or "" when it is safe to parse; ``low`` is its head in
    lower case."""
    if _header_is_too_long(low, 0):
        return TOO_MANY_HEADERS
    boundaries: set[bytes] = set()
    for n_declared, found in enumerate(_DECLARED.finditer(low), 1):
        if n_declared > MAX_PARTS:
            return TOO_MANY_PARTS
        boundaries.add(_boundary(found))
    return _structure(low, boundaries) if boundaries else ""


def _boundary(found: re.Match[bytes]) -> bytes:
    """The boundary as the parser will see it; ``_ANY`` where that is not plain."""
    name = found[2].removeprefix(b'"').removesuffix(b'"').rstrip()
    plain = not found[1] and len(name) <= LONGEST_BOUNDARY and not re.search(rb'[\\"<>]', name)
    return name if plain else _ANY


def _structure(low: bytes, boundaries: set[bytes]) -> str:
    """Walk the delimiter lines as a parser would: how many parts, how deep, how long headers."""
    any_line = _ANY in boundaries
    n_parts = 0
    open_now: list[bytes] = []
    for found in _DELIMITER.finditer(low):
        name = found[1].rstrip()
        closing = name not in boundaries and name.endswith(b"--") and name[:-2] in boundaries
        if closing:
            name = name[:-2]
        elif name not in boundaries and not any_line:
            continue
        if name in open_now:
            del open_now[open_now.index(name) + (not closing) :]
        elif not closing and not any_line:
            open_now.append(name)
        if closing:
            continue
        n_parts += 1
        if n_parts > MAX_PARTS:
            return TOO_MANY_PARTS
        if len(open_now) > MAX_DEPTH:
            return TOO_DEEP
        if _header_is_too_long(low, found.end()):
            return TOO_MANY_HEADERS
    return ""


def _header_is_too_long(low: bytes, start: int) -> bool:
    """Whether the header block at ``start`` is longer than any mail has."""
    end = low.find(b"\n\n", start, start + MAX_HEADER_BYTES)
    if end < 0:
        if len(low) - start >= MAX_HEADER_BYTES:
            return True
        end = len(low)
    if low.count(b"\n", start, end) <= MAX_HEADERS:
        return False
    return sum(1 for _ in _FIELD.finditer(low, start, end)) > MAX_HEADERS
