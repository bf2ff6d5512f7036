"""From the bytes of a mail to what it reports.  Nothing is fetched, unpacked or rendered.

``read`` never raises, and does a bounded amount of work for any input: sizes, parts, depth and
headers are counted in the bytes before anything is parsed (``mailroom.guards``).
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from abuse import xarf
from abuse.fields import Feedback, address, feedback_in
from mailroom import guards
from mailroom.diagnosis import EMPTY, MALFORMED, TOO_LARGE
from mailroom.originals import clean, read_original
from mailroom.sections import Sections, take_apart, text_of

MAX_BYTES: Final = 10 * 1024 * 1024
NOTICE: Final = 64 * 1024  # characters of the words in which a dumped report is looked for

Kind = Literal["feedback", "notice", "plain", "unreadable"]
Format = Literal["", "arf", "jmrp", "rfc822", "xarf"]

_UNPARSABLE: Final = (
    AssertionError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
)  # fmt: skip
# A Hotmail complaint names the address in its subject, and has no part for machines.
_JMRP: Final = re.compile(r"complaint about message from\s+\[?([0-9A-Fa-f.:]{3,45})", re.IGNORECASE)


NOTHING: Final = Feedback()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mail turned out to be.

    ``feedback``: a report about a message; ``notice``: a machine's report about something else;
    ``plain``: mail for an agent; ``unreadable``: with ``error``, one of ``mailroom.diagnosis``.
    ``message_id`` is the reported message's.
    """

    kind: Kind
    format: Format = ""
    feedback: Feedback = NOTHING
    message_id: str = ""
    error: str = ""


def read(raw: bytes) -> Reading:
    """Say what ``raw`` is, and what it reports."""
    if len(raw) > MAX_BYTES:
        return Reading("unreadable", error=TOO_LARGE)
    if not raw.strip(b" \t\r\n\0"):
        return Reading("unreadable", error=EMPTY)
    if error := guards.refusal(raw[: guards.MAX_BYTES]):
        return Reading("unreadable", error=error)
    try:
        return _read(guards.head(raw))
    except _UNPARSABLE:
        return Reading("unreadable", error=MALFORMED)


def _read(head: bytes) -> Reading:
    low = head.lower()
    if error := guards.danger(low):
        return Reading("unreadable", error=error)
    sections = take_apart(head, low)
    enclosed = sections.originals or [text_of(part, NOTICE) for part in sections.files[:3]]
    original = read_original(enclosed[0]) if enclosed else None
    message_id = original.message_id if original else ""
    if found := _arf(sections):
        return Reading("feedback", "arf", found, message_id)
    if found := _jmrp(sections):
        return Reading("feedback", "jmrp", found, message_id)
    if (said := _xarf(sections)) is not None:
        kind: Kind = "feedback" if said.is_about_mail else "notice"
        told = Feedback(
            feedback_type="abuse" if said.is_about_mail else "",
            source_address=said.source_address,
            arrival_date=said.date,
            original_mail_from=said.mail_from,
        )
        return Reading(kind, "xarf", told, message_id or said.message_id)
    if original is not None and not sections.statuses and not _is_automatic(sections):
        return Reading("feedback", "rfc822", NOTHING, message_id)
    return Reading("notice" if _is_automatic(sections) else "plain")


def _arf(sections: Sections) -> Feedback | None:
    """The part for machines; where a gateway has made text of it, the lines in the words."""
    for text in sections.feedback:
        if found := feedback_in(text):
            return found
    for part in sections.notices[:3]:
        text = text_of(part, NOTICE)
        found = feedback_in(text) if "feedback-type:" in text.lower() else None
        if found and (found.version or found.user_agent or found.source_address):
            return found
    return None


def _jmrp(sections: Sections) -> Feedback | None:
    found = _JMRP.search(sections.heading("subject"))
    if found is None or not sections.originals or sections.statuses:
        return None
    return Feedback(feedback_type="abuse", source_address=address(found[1].rstrip(".:")))


def _xarf(sections: Sections) -> xarf.Xarf | None:
    """What the parts say, where the mail says that it is X-ARF or a part of it is one."""
    said = xarf.in_json(text_of(part, xarf.LONGEST) for part in sections.data[:5])
    if said is not None:
        return said
    if not (sections.heading("x-xarf") or sections.heading("x-arf")):
        return None
    texts = [text_of(part, NOTICE) for part in sections.notices[:5]]
    empty = xarf.Xarf(is_about_mail=False, kind="", source_address="", date="")
    return xarf.in_json(texts) or xarf.in_lines(texts) or empty


def _is_automatic(sections: Sections) -> bool:
    """Robots are known by protocol (RFC 3834, section 5), never by name."""
    submitted = clean(sections.heading("auto-submitted")).lower()
    return bool(submitted) and not submitted.startswith("no")
