"""A message that somebody forwarded inside the words of a mail, as mail programs write it.

It was copied, perhaps by hand: nothing about it can be proved.  Known are the lines that programs
put above a forwarded message, and a header block (RFC 5322) that was pasted whole.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailroom.diagnosis import Original
from mailroom.originals import read_original

LONGEST: Final = 64 * 1024  # characters of the words, and of the message in them
MOST_LINES: Final = 4000  # of the words that are looked at
MOST_FIELDS: Final = 40  # lines of the block below a mark
MOST_BLANK: Final = 3  # lines between the mark and its block

# Gmail, Thunderbird and Naver; Apple Mail and Claws.
_FORWARDED: Final = re.compile(
    r"-{3,20} ?(?:forwarded message|전달된? ?(?:메일|메시지)) ?-{3,20}"
    r"|begin forwarded message:|전달된 메시지 시작:",
    re.IGNORECASE,
)
# Outlook, Daum and others write these above what they forward and above what they answer.
_ORIGINAL: Final = re.compile(
    r"-{3,20} ?(?:original message|원본 ?(?:메일|메시지)) ?-{3,20}|_{20,100}", re.IGNORECASE
)
_REPLY: Final = re.compile(r"(?:re|aw|sv|antw|답장|회신)\s?(?:\[\d{1,3}\])?\s?[::]", re.IGNORECASE)

_LABEL: Final = re.compile(
    r"\*{0,2}([A-Za-z][A-Za-z0-9-]{1,60}|[가-힣]{2,4}[ \xa0]?[가-힣]{0,4})"
    r"[ \xa0\t]{0,4}:\*{0,2}(.*)"
)
_LABELS: Final = {
    **dict.fromkeys(("from", "보낸사람", "보낸이", "발신자", "발신인"), "from"),
    **dict.fromkeys(("to", "받는사람", "받는이", "수신자", "수신인"), "to"),
    **dict.fromkeys(
        ("date", "sent", "날짜", "일시", "보낸날짜", "보낸시간", "보낸시각", "보낸일시"), "date"
    ),
    **dict.fromkeys(("subject", "제목"), "subject"),
    "message-id": "message-id",
}
# What only a header block holds, and what may come with it.
_TRACES: Final = frozenset(
    {
        "received", "message-id", "return-path", "delivered-to", "dkim-signature", "mime-version",
        "authentication-results", "received-spf", "x-originating-ip", "arc-seal",
    }
)  # fmt: skip
_TYPICAL: Final = _TRACES | {"from", "date", "to", "subject", "reply-to", "content-type", "cc"}
LEAST_TYPICAL: Final = 3  # different header fields that make a header block


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What was found: ``text`` from its first header line on, at most ``LONGEST`` characters."""

    text: str
    original: Original


def is_reply(subject: str) -> bool:
    """Whether a decoded subject is one that programs give to answers."""
    return _REPLY.match(subject.strip()) is not None


def forwarded_in(words: str, *, in_reply: bool) -> Forwarded | None:
    """The first message that is forwarded inside ``words``, None if there is none.

    ``in_reply``: the mail is an answer, so that a mark that stands above both is one of a quote.
    """
    lines = words[:LONGEST].splitlines()[:MOST_LINES]
    pasted = _pasted(lines)
    for n, line in enumerate(lines):
        if pasted is not None and n >= pasted:
            break
        line = line.strip()
        is_mark = _FORWARDED.fullmatch(line) or (not in_reply and _ORIGINAL.fullmatch(line))
        if is_mark and (found := _below_mark(lines, n + 1)):
            return found
    if pasted is None:
        return None
    text = "\n".join(lines[pasted:])
    original = read_original(text)
    return Forwarded(text, original) if original else None


def _pasted(lines: list[str]) -> int | None:
    """Where a whole header block begins: in one paragraph, in any order, however it is folded."""
    names: set[str] = set()
    start = 0
    for n, line in enumerate(lines):
        if not line.strip():
            names = set()
            continue
        found = _LABEL.match(line)
        name = found[1].lower() if found else ""
        if name not in _TYPICAL:
            continue
        if not names:
            start = n
        names.add(name)
        if "from" in names and len(names) >= LEAST_TYPICAL and names & _TRACES:
            return start
    return None


def _below_mark(lines: list[str], start: int) -> Forwarded | None:
    """The message below a mark, if a block of fields begins it: who wrote it, and one more."""
    end = min(start + MOST_BLANK, len(lines))
    while start < end and not lines[start].strip(" \t\xa0>"):
        start += 1
    rest = lines[start:]
    if rest and rest[0].startswith(">"):  # so does Apple Mail
        rest = [line.removeprefix(">").removeprefix(" ") for line in rest]
    fields: dict[str, str] = {}
    is_apart = True
    for line in rest[:MOST_FIELDS]:
        found = _LABEL.match(line.strip())
        if found and (name := _LABELS.get("".join(found[1].lower().split()))):
            fields.setdefault(name, found[2].strip())
            is_apart = False
        elif is_apart:  # of a page there may be an empty line between the fields
            break
        else:
            is_apart = not line.strip()
    if len(fields) < 2 or not fields.get("from"):
        return None
    original = read_original("\n".join(f"{name}: {value}" for name, value in fields.items()))
    return Forwarded("\n".join(rest), original) if original else None
