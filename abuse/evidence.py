"""What a mail to the abuse desk holds: the reading, and what may prove whose the message was.

``answer`` runs in the limited child (``mailroom.confined``): no database, no network, no secrets.
It is asked once without keys, and again with those that could prove a signature.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from abuse import reading, signatures, trace, xarf
from abuse.hops import hops
from abuse.reading import HIDDEN, Reading
from abuse.signatures import Signature, verify
from mailroom import guards
from mailroom.addresses import FIND_ADDRESS, author, clean_host, mailbox
from mailroom.diagnosis import Original
from mailroom.originals import clean, read_original, readable
from mailroom.sections import Sections, decode

SHOWN: Final = 16 * 1024  # octets of the reported message, or of the words, kept to be shown
MOST_TRIED: Final = 20  # pairs of a signature and a key of one message
UPLOADS: Final = frozenset({"web", "api"})  # channels whose files may be the junk itself
ROBOTS: Final = frozenset({"bulk", "junk", "list"})  # of Precedence (RFC 3834, section 2)

_MARK: Final = re.compile(
    rf"^{trace.HEADER}[ \t]{{0,8}}:[ \t]{{0,80}}(?:\n[ \t]{{1,80}})?(\S{{1,200}})",
    re.IGNORECASE | re.MULTILINE,
)
_FROM: Final = re.compile(r"^from[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE)

NOBODY: Final = {
    "from": "", "to": [], "message_id": "", "date": "", "subject": "", "auto": False,
    "signatures": [], "trace": "", "writers": [],
}  # fmt: skip

Keys = Sequence[Sequence[str]]  # domain, selector, record


def answer(raw: bytes, question: dict[str, Any]) -> dict[str, Any]:
    """The facts, as JSON; with ``keys`` or ``outer_keys`` also what they prove.

    ``channel`` says how the mail came, and ``itself`` that an uploaded mail is the junk whatever it
    holds.  Of an unreadable one there is the reading alone.
    """
    is_upload = question.get("channel") in UPLOADS
    parsed = reading.parse(raw, is_upload=is_upload, is_itself=bool(question.get("itself")))
    said, outer, sections = parsed.reading, parsed.head, parsed.sections
    if said.kind == "unreadable":
        return {"reading": _told(said)}
    message = _enclosed(outer, sections, said) if sections else _of_document(raw)
    found: dict[str, Any] = {
        "reading": _told(said),
        "outer": _outer(outer, sections) if sections and not said.itself else NOBODY,
        "enclosed": _facts(message, said),
        "words": "" if message else _words(said, sections),
    }
    if keys := question.get("keys"):
        proved = _verified(message, keys)
        found["verified"] = [
            [
                one.signature.domain, one.signature.selector, one.level, one.signature.b,
                one.record, "message-id" in one.signature.signed,
            ]
            for one in proved
        ]  # fmt: skip
    if keys := question.get("outer_keys"):
        whole = [one for one in _verified(outer, keys) if one.level == "A1"]
        found["outer_verified"] = [[one.signature.domain, one.signature.selector] for one in whole]
        addressed = any(signatures.has_signed_all(outer, one.signature, "to") for one in whole)
        found["addressed"] = found["outer"]["to"] if addressed else []
    return found


def _words(said: Reading, sections: Sections | None) -> str:
    """What a mail for an agent says."""
    if sections is None or said.kind != "plain" or said.filed:
        return ""
    return HIDDEN.sub("", sections.notice[:SHOWN])


def _told(said: Reading) -> dict[str, Any]:
    """The reading without the message itself.  (``asdict`` would copy all of it.)"""
    told = {**_fields(said), "feedback": _fields(said.feedback)}
    del told["original"], told["original_text"]
    return told


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


# -- The message inside ---------------------------------------------------------------


def _of_document(raw: bytes) -> bytes:
    said = xarf.in_document(raw)
    return guards.head(said.evidence) if said else b""


def _enclosed(head: bytes, sections: Sections, said: Reading) -> bytes:
    """The octets of the reported message, with LF; b"" where there is none."""
    if said.itself:
        return head
    if said.inline or said.original_text:
        return said.original_text.encode()
    for part in [*sections.enclosed, *sections.files]:
        octets = part.get_payload(decode=True)
        if isinstance(octets, bytes) and octets.strip():
            return _with_lf(octets).lstrip(b"\n")  # a part in base64 has line ends of its own
    return b""


def _with_lf(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in octets else octets


def _header(message: bytes) -> bytes:
    return message.partition(b"\n\n")[0]


def _facts(message: bytes, said: Reading) -> dict[str, Any]:
    header = _header(message)
    text = decode(header[: guards.MAX_HEADER_BYTES], "")
    # From the octets that signatures are about: the charset of a part may make others of them.
    original = read_original(text) or said.original or Original()
    signed = signatures.signatures(header)
    return {
        "from_domain": _sender_domain(text, original),
        # Below a header that was copied into words others may follow at once.
        "subject": (said.original or original).subject if said.inline else original.subject,
        "message_id": original.message_id,
        "date": original.date,
        "signatures": _pairs(signed),
        "trace": _mark(text),
        "hops": [_fields(hop) for hop in hops(text)],
        "b": signed[0].b if signed else "",
        "text": HIDDEN.sub("", decode(_shown(message), "")),
        "bytes": len(message),
    }


def _mark(header: str) -> str:
    found = _MARK.search(header)
    return found[1] if found else ""


def _sender_domain(text: str, original: Original) -> str:
    """The domain of the From field, which signatures cover; of the return path without one."""
    found = _FROM.search(text)
    field = " ".join(found[1].split()) if found else original.sender_email
    sender = author(field) or mailbox(field)
    return clean_host(sender.rpartition("@")[2]).lower()


def _shown(message: bytes) -> bytes:
    """The beginning of the message, cut between lines and not inside a character."""
    if len(message) <= SHOWN:
        return message
    return message[:SHOWN].rpartition(b"\n")[0] or message[:SHOWN]


def _pairs(signed: Iterable[Signature]) -> list[list[str]]:
    return [list(pair) for pair in dict.fromkeys((one.domain, one.selector) for one in signed)]


# -- The mail around it ----------------------------------------------------------------


def _outer(head: bytes, top: Sections) -> dict[str, Any]:
    header = decode(_header(head)[: guards.MAX_HEADER_BYTES], "")
    found = _FROM.search(header)
    return {
        "from": author(" ".join(found[1].split())) if found else "",
        "to": _mailboxes(top.heading("to")),
        "writers": _mailboxes(
            "\n".join(top.heading(name) for name in ("from", "sender", "reply-to", "return-path"))
        ),
        "message_id": clean(top.heading("message-id")).strip("<> ")[:250],
        "date": clean(top.heading("date")),
        "subject": readable(top.heading("subject"))[:200],
        "auto": _is_automatic(top),
        "signatures": _pairs(signatures.signatures(_header(head))),
        "trace": _mark(header),
    }


def _mailboxes(text: str) -> list[str]:
    return [found[0].lower() for found in list(FIND_ADDRESS.finditer(text[:4000]))[:20]]


def _is_automatic(top: Sections) -> bool:
    """Robots and lists, known by protocol (RFC 3834, section 2; RFC 2919), never by name."""
    submitted = top.heading("auto-submitted").lower()
    return (
        (bool(submitted) and not submitted.startswith("no"))
        or top.heading("precedence").lower() in ROBOTS
        or bool(top.heading("list-id") or top.heading("x-auto-response-suppress"))
    )


# -- Proofs ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature that holds, how far (A1 or A2), and the key record by which it does."""

    signature: Signature
    level: str
    record: str


def _verified(message: bytes, keys: Keys) -> list[Proof]:
    """The signatures that hold by one of ``keys``; no more than ``MOST_TRIED`` are tried."""
    found: list[Proof] = []
    tries = (
        (signature, record)
        for signature in signatures.signatures(message)
        for domain, selector, record in keys
        if (domain, selector) == (signature.domain, signature.selector)
    )
    for signature, record in islice(tries, MOST_TRIED):
        if any(one.signature is signature for one in found):
            continue
        if level := verify(message, signature, record):
            found.append(Proof(signature, level, record))
    return found
