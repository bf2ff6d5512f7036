"""A message taken apart: what its sender was told, the report for machines, the mail itself."""

import codecs
import re
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from functools import cached_property
from html import unescape
from typing import Final

from mailroom.guards import MAX_DEPTH, MAX_PARTS

NOTICE_CHARS: Final = 64 * 1024
STATUS_CHARS: Final = 256 * 1024
ORIGINAL_CHARS: Final = 64 * 1024
MOST_OTHERS: Final = 4
LONGEST_HEADER: Final = 4000  # octets of the header of a part, before its type

# The parser would take message/* apart, each with its own cost.  As text they stay whole.
_ENCLOSED = re.compile(  # on lower-cased bytes
    rb"\ncontent-type:\s*(?:(message/)(rfc822|global\b)?|text/(rfc822-headers?))"
)
_DELIMITER = re.compile(rb"\n--[^\n]{1,200}\n")
_NEWLINES = re.compile(rb"\n+")
_STAND_IN: Final = "text/x-enclosed-"
_STATUS_TYPES = ("delivery-status", "global-delivery-status")
_ORIGINAL_TYPES = (
    "rfc822", "global", "rfc822-headers", "rfc822-header", "global-headers", "partial",
)  # fmt: skip
_REPORT_TYPES = ("feedback-report", "disposition-notification", "global-disposition-notification")

# Codecs that are quadratic, or that warn.
_NOT_FOR_TEXT = frozenset(
    {
        "punycode",
        "idna",
        "unicode_escape",
        "raw_unicode_escape",
        "unicode-escape",
        "raw-unicode-escape",
    }
)

_PARSER: Final = BytesParser(policy=compat32)

_SCRIPT = re.compile(r"<(script|style|head|title)\b[^>]{0,500}>", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/?p|/?div|/?tr|/?h\d|/?li|/?table|hr)\b[^<>]{0,500}>", re.IGNORECASE)
_CELL = re.compile(r"</?t[dh]\b[^<>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(r"<(?:/?[a-z!][^<>]{0,2000})>", re.IGNORECASE)
_SPACE = re.compile(r"[ \t]+")


@dataclass
class Sections:
    """The parts of a message that matter; lists keep the order of the message.

    ``data`` holds the JSON parts, ``files`` what is attached as a file named ``.eml``,
    ``enclosed`` the parts whose text is in ``originals``, and ``others`` the first parts of types
    that a gateway gives to what it does not know.
    """

    top: Message
    notices: list[Message] = field(default_factory=list)
    pages: list[Message] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    originals: list[str] = field(default_factory=list)
    enclosed: list[Message] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)
    data: list[Message] = field(default_factory=list)
    files: list[Message] = field(default_factory=list)
    others: list[Message] = field(default_factory=list)
    is_report: bool = False
    is_digest: bool = False

    @cached_property
    def notice(self) -> str:
        """The words for people; of an HTML page only where nothing was said in plain text."""
        for part in self.notices:
            if (text := text_of(part, NOTICE_CHARS)).strip():
                return text
        return "\n".join(plain(text_of(part, NOTICE_CHARS)) for part in self.pages)

    def heading(self, name: str) -> str:
        """A header of the message itself on one line, undecoded and at most 2,000 characters."""
        value = self.top.get(name)
        return " ".join(str(value)[:2000].split()) if value is not None else ""


def take_apart(raw: bytes, low: bytes, *, whole: bool = False) -> Sections:
    """Parse the guarded head of a message (see ``guards``; ``low`` is the same in lower case).

    Of an enclosed mail that no report follows only the headers are read, or with ``whole`` all.
    """
    marked = _marked(raw, b"\n" + low, whole=whole)
    headers, gap, body = marked.partition(b"\n\n")
    if b"multipart" in headers.lower():
        top = _PARSER.parsebytes(marked)
    else:  # one leaf: its lines need not be looked at one by one
        top = _PARSER.parsebytes(headers + gap)
        top.set_payload(body.decode("ascii", "surrogateescape"))
    sections = Sections(top)
    _sort(top, sections, depth=0)
    return sections


def _marked(raw: bytes, low: bytes, *, whole: bool) -> bytes:
    """``raw`` with a stand-in for the type of every message/* part, and without the body of an
    enclosed mail that no report follows: nothing there is needed, and it is most of the lines."""
    last_status = max(low.rfind(b"delivery-status"), low.rfind(b"feedback-report"))
    pieces, at, n_looked = [], 0, 0
    for found in _ENCLOSED.finditer(low):
        if found.start() < at:  # within a body that is left out
            continue
        if found[1]:
            start = found.start(1) - 1
            pieces += [raw[at:start], _STAND_IN.encode()]
            at = start + len(found[1])
        if whole or not (found[2] or found[3]) or found.start() < last_status:
            continue
        n_looked += 1
        if n_looked <= MAX_PARTS and (body := _body(low, found)):
            pieces.append(raw[at : body[0] - 1])
            at = body[1] - 1
    return b"".join([*pieces, raw[at:]])


def _body(low: bytes, found: re.Match[bytes]) -> tuple[int, int] | None:
    """Where the body of the mail in an enclosing part begins and ends; None without one."""
    start = low.find(b"\n\n", found.end())
    if start < 0:
        return None
    header = _NEWLINES.match(low, start).end()  # type: ignore[union-attr]  # two at least
    before = list(
        _DELIMITER.finditer(low, max(0, found.start() - LONGEST_HEADER), found.start() + 1)
    )
    end = low.find(before[-1][0].rstrip(), header - 1) if before else -1
    end = end if end >= 0 else len(low)
    body = low.find(b"\n\n", header, end)
    return (body, end) if body >= 0 else None


def _sort(part: Message, sections: Sections, depth: int) -> None:
    if part.is_multipart():
        children = part.get_payload()
        sections.is_digest |= part.get_content_type() == "multipart/digest"
        if isinstance(children, list) and depth <= MAX_DEPTH:
            for child in children[:MAX_PARTS]:
                if isinstance(child, Message):
                    _sort(child, sections, depth + 1)
        return
    kind = part.get_content_type()
    enclosed = kind.removeprefix(_STAND_IN) if kind.startswith(_STAND_IN) else ""
    if enclosed in _STATUS_TYPES:
        sections.statuses.append(text_of(part, STATUS_CHARS))
    elif enclosed in _ORIGINAL_TYPES or kind.removeprefix("text/") in _ORIGINAL_TYPES:
        sections.originals.append(text_of(part, ORIGINAL_CHARS))
        sections.enclosed.append(part)
    elif enclosed in _REPORT_TYPES:
        sections.is_report = True
        if enclosed == "feedback-report":
            text = text_of(part, STATUS_CHARS)
            sections.feedback.append(text if text.strip() else _fields_of(part))
    elif kind.endswith("/json"):
        sections.data.append(part)
    elif depth and (part.get_filename() or "").lower().endswith(".eml"):
        sections.files.append(part)
    elif kind == "text/html":
        if not sections.pages:
            sections.pages.append(part)
    elif kind.startswith(("text/", "multipart/")) or depth == 0:
        # The first text that says anything; a later one belongs to the mail that came back.
        sections.notices.append(part)
    elif kind.startswith("application/") and len(sections.others) < MOST_OTHERS:
        sections.others.append(part)


def _fields_of(part: Message) -> str:
    """What stands in the header of a part whose blank line is missing."""
    return "\n".join(f"{name}: {value}" for name, value in part.items())[:STATUS_CHARS]


def text_of(part: Message, limit: int) -> str:
    """The decoded text of a leaf, at most ``limit`` characters; never fails on its charset."""
    # Only the decoding form of get_payload leaves the charset, which may be anything, to us.
    octets = part.get_payload(decode=True)
    if not isinstance(octets, bytes):
        return ""
    octets = octets[: 4 * limit]
    if b"\r" in octets:  # of base64, which keeps its line ends through ``guards.head``
        octets = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if octets.isascii() and b"\x1b" not in octets and b"\0" not in octets:
        return octets[:limit].decode("ascii")
    return decode(octets, _charset(part))[:limit]


def _charset(part: Message) -> str:
    value = part.get_param("charset")
    return value.strip("\"' ")[:40] if isinstance(value, str) else ""


def decode(octets: bytes, charset: str) -> str:
    """Decode by the charset that is named, else as UTF-8, else as Latin-1."""
    for name in (charset or "ascii", "utf-8"):
        try:
            if codecs.lookup(name).name not in _NOT_FOR_TEXT:
                return octets.decode(name)
        except (LookupError, ValueError):
            continue
    return octets.decode("latin-1")


def plain(page: str) -> str:
    """The words of an HTML page, a line for each block; crude, linear, and never shown."""
    pieces = []
    at = 0
    while opening := _SCRIPT.search(page, at):
        pieces.append(page[at : opening.start()])
        closing = page.find("</" + opening[1], opening.end())
        if closing < 0:
            at = len(page)
            break
        at = closing
    pieces.append(page[at:])
    text = _BREAK.sub("\n", _SPACE.sub(" ", "".join(pieces)))
    text = _TAG.sub("", _CELL.sub(" ", text))  # the words of two cells are not one
    return unescape(text).replace("\xa0", " ")  # no form looks for this one
