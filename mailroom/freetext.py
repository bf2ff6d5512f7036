"""Bounces that only people were meant to read: who failed, and where the reason stands.

No list of mailers: lines are read by how they are built (an address that begins a line, an
address after a word such as "to" or "recipient"), the most telling form first.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

from mailroom.addresses import ADDRESS, FIND_ADDRESS, LONGEST, clean_host, trim
from mailroom.replies import Reply, enhanced_in, find, one_line

MAX_LINES: Final = 1500
MAX_WIDTH: Final = 1000
MAX_FAILED: Final = 100
REGION_LINES: Final = 60  # after a recipient
NOTICE_LINES: Final = 300  # searched again for each recipient

# Where the mail that came back begins: a heading in words, or the first of its headers.
_ORIGINAL = re.compile(
    r"""^(?:
    [\W_]{0,40}(?:(?:this|below|enclosed|included|here|following)\ (?:line\ )?is\ (?:a|the)\ copy
      |below\ this\ line\b|original\ mail\b|header\ of\ the\ original
      |(?:the\ )?(?:original|unsent|undelivered|returned|bounced)\ (?:e-?)?(?:message|mail)
        (?:\ (?:headers?|text|info|follows|below|is\ attached))*\b\W{0,40}$
      |original\ message\ follows
      |(?:the\ )?(?:message|mail)\ (?:headers?|text|contents?|body)\ (?:follows?|is\ following)\b
      |the\ headers?\ of\ the\ original\ (?:message|mail)
      |en-t.tes\ (?:de|du)\ message|urspr.ngliche\ nachricht|encabezados\ de\ mensaje
      |intestazioni\ del\ messaggio|元のメッセージ|原始邮件|原始郵件|원본\ ?메시지)
    |(?:Received|Return-Path|DKIM-Signature|ARC-Seal|X-Received|Message-ID)\s{0,2}:
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_HEADER_LINE = re.compile(r"[A-Za-z-]{4,20}\s{0,2}:(?!.*\bfollow)")
_HEADING_WORDS: Final = (
    "original",
    "copy",
    "below this",
    "header",
    "unsent",
    "undelivered ",
    "returned ",
    "bounced ",
    " follow",
    "en-t",
    "nachricht",
    "mensaje",
    "messaggio",
    "元のメッセージ",
    "原始",
    "원본",
    "\nreceived",
    "\nreturn-path",
    "\ndkim-signature",
    "\narc-seal",
    "\nx-received",
)
_OPENS_LINE = re.compile(
    rf"""^\s{{0,40}}(?P<open>(?:[*>|-]{{1,3}}\s{{1,3}}|->\s?)?[<"']?)(?P<address>{ADDRESS})
    (?P<close>[>"']?\s{{0,2}})(?P<rest>.*)$""",
    re.VERBOSE,
)
_AFTER_WORD = re.compile(
    rf"""(?:rcpt\ to|recipients?(?:\ address)?|address|addressed\ to|deliver(?:ed|y|ing)?
      (?:\ (?:an?|your|the|this)?\s?(?:message|mail|e-?mail))?\ (?:to|for)|delivery\ failed
      |(?:message|mail|undeliverable)\ to|unknown\ user|failed\ for|errors?|failed\ to\ deliver\ to
      |user\ mailbox\ exceeds\ allowed\ size|invalid\ (?:user|recipient)|unknown\ local\ part
      |could\ not\ be\ (?:delivered|sent)\ to|failed\ \d{{1,3}}\ attempts)
    [\s:<'"\[(]{{1,8}}(?:mailto:)?(?P<address>{ADDRESS})""",
    re.IGNORECASE | re.VERBOSE,
)
_OURS = re.compile(r"\b(?:mail from|from|sender|contact|message-?id|reply-?to|support)\b", re.I)
_STAFF = re.compile(r"^(?:postmaster|mailer-daemon|mailerdaemon|abuse|support|no-?reply)@", re.I)

_TALKING: Final = r"while talking to (?P<host>[\w.-]{3,255})"

# (a word that is there, how the line is built); the most certain form first.
_REMOTE = tuple(
    (hint, re.compile(pattern, re.IGNORECASE))
    for hint, pattern in (
        ("host", r"\bhost:? (?P<host>[\w-]{1,63}\.[\w.-]{1,250})(?:\s?[\[(:]| says:)"),
        ("talking to", _TALKING),
        (
            "[",
            r"^\s{0,8}(?P<host>[\w.-]{3,255})\.? ?\[[\d.a-f:]{3,45}\]"
            r"(?:[:,]| d\w{2,3} not like| responded)",
        ),
        ("by ", r"by (?P<host>[\w.-]{3,255})\. \[[\d.a-f:]{3,45}\]"),
        (" your", r"^\s{0,8}(?P<host>[\w-]{1,63}\.[\w.-]{2,255}) rejected your"),
        ("gave this", r"^\s{0,8}(?P<host>[\w-]{1,63}\.[\w.-]{2,255}) gave this error"),
        (" but ", r"^Connected to (?P<host>[\d.]{7,15}|[a-f\d:]{3,45}) but"),
        ("does not like", r"^(?P<host>[\d.]{7,15}|[a-f\d:]{3,45}) does not like"),
        ("failed after", r"^(?P<host>[\d.]{7,15}|[a-f\d:]{3,45}) failed after"),
        ("host", r"\bhost(?: name)?: (?P<host>[\w.-]{3,255})"),
        ("server <", r"SMTP server <(?P<host>[\w.:-]{3,255})>"),
        (" by ", r"the recipient domain \S{1,255} by (?P<host>[\w-]{1,63}\.[\w.-]{2,255})"),
    )
)
_REPORTING = re.compile(
    r"(?:program at(?: host)?|mail (?:system|server) (?:at(?: host)?|on)|postfix program at host"
    r"|mail agent v\S{1,12} at|generating server:|notification from|mail delivery agent at)"
    r"\s{1,3}(?P<host>[\w-]{1,63}\.[\w.-]{1,255})",
    re.IGNORECASE,
)
_REPORTING_HINTS: Final = (" at ", " on ", " server", " from ")


_NO_REPLY: Final = Reply()


class Notice:
    """The words of a bounce as lines, before the mail that came back; the latter as text.

    Both are made when they are asked for: a full report for machines leaves no need of them.
    """

    def __init__(self, said: Callable[[], str]) -> None:
        self._said = said

    @cached_property
    def text(self) -> str:
        return self._said()

    @cached_property
    def _cut(self) -> tuple[int, int]:
        """Where the words end, and where the enclosed mail begins."""
        for start in _suspects(self.text):
            line = self.text[start : start + MAX_WIDTH].partition("\n")[0]
            if start and _ORIGINAL.match(line):
                return start, start if _HEADER_LINE.match(line) else start + len(line)
        return len(self.text), len(self.text)

    @cached_property
    def lines(self) -> list[str]:
        words = self.text[: self._cut[0]].split("\n", MAX_LINES)[:MAX_LINES]
        return [line[:MAX_WIDTH].rstrip() for line in words]

    @property
    def original(self) -> str:
        return self.text[self._cut[1] :].lstrip("-\n ")


@dataclass(frozen=True, slots=True)
class Found:
    """A failed recipient, the reply that explains it (or the reason in words), and its host."""

    recipient: str
    reply: Reply
    remote_mta: str


def _suspects(text: str) -> list[int]:
    """Where the lines begin that hold a word of such a heading; a search for each word is quick."""
    low = text.lower()
    if len(low) != len(text):
        low = text
    starts = set()
    for word in _HEADING_WORDS:
        at = low.find(word)
        while at >= 0:
            starts.add(low.rfind("\n", 0, at + 1) + 1)
            end = low.find("\n", at + 1)
            at = low.find(word, end) if end >= 0 else -1
    return sorted(starts)


def failures(
    notice: Notice, hinted: Sequence[str] = (), senders: Collection[str] = (), addressee: str = ""
) -> list[Found]:
    """Who failed by the words of ``notice``.

    ``hinted`` are recipients that a header of the bounce names.  Where the words name nobody, it
    is the ``addressee`` of the mail that came back; ``senders`` are meant only after that.
    """
    places = _places(notice.lines, senders, addressee)
    if hinted:
        known = {address.casefold(): n_line for address, n_line in reversed(places)}
        places = [(address, known.get(address.casefold(), -1)) for address in hinted]
    places = places[:MAX_FAILED]
    if len(places) < 2:
        return [_found(notice, places, index) for index in range(len(places))]
    places = _where_told(notice.lines, places)
    regions = (_region(notice.lines, places, index) for index in range(len(places)))
    some = any(find(region).code for region in regions)
    shared = _NO_REPLY if some else find(notice.lines[:NOTICE_LINES])
    return [_found(notice, places, index, shared) for index in range(len(places))]


def about(notice: Notice, recipient: str) -> Found:
    """What the notice says about a recipient who is known already."""
    low = recipient.casefold()
    for n_line, line in enumerate(notice.lines):
        if low in line.casefold():
            return _found(notice, [(recipient, n_line)], 0)
    return _found(notice, [(recipient, -1)], 0)


def reporting_mta(notice: Notice) -> str:
    """The host that says of itself that it writes the notice."""
    for line in notice.lines[:60]:
        hinted = "." in line and any(hint in line for hint in _REPORTING_HINTS)
        if hinted and (found := _REPORTING.search(line)):
            return clean_host(found["host"])
    return ""


def _places(lines: list[str], senders: Collection[str], addressee: str) -> list[tuple[str, int]]:
    """(address, line) of each failed recipient, by the most telling form that occurs at all."""
    told = [(n_line, line) for n_line, line in enumerate(lines) if "@" in line]
    for n_form, form in enumerate(_forms(told)):
        # "<address>: reason" is certain even of who wrote to themselves.
        if chosen := _distinct(form, senders if n_form else ()):
            return chosen
    if addressee and addressee.casefold() not in senders:
        return [(addressee, -1)]
    return next(filter(None, (_distinct(form, ()) for form in _forms(told))), [])


def _forms(told: list[tuple[int, str]]) -> Iterator[list[tuple[re.Match[str], int]]]:
    """The addresses of these lines by form, the most telling one first."""
    opened = {n_line: found for n_line, line in told if (found := _OPENS_LINE.match(line))}
    yield [(found, n_line) for n_line, found in opened.items() if _is_told(found)]
    yield [(found, n_line) for n_line, found in opened.items()]
    yield [(found, n_line) for n_line, line in told for found in _AFTER_WORD.finditer(line)]
    yield [
        (found, n_line)
        for n_line, line in told
        if n_line not in opened and not _OURS.search(FIND_ADDRESS.sub("", line))
        for found in FIND_ADDRESS.finditer(line)
    ]


def _is_told(found: re.Match[str]) -> bool:
    return found["rest"].startswith((":", "...", "(expanded"))


def _distinct(
    matches: Iterable[tuple[re.Match[str], int]], senders: Collection[str]
) -> list[tuple[str, int]]:
    """Each address once, where it stands first; with ``senders`` neither these nor staff."""
    seen: dict[str, tuple[str, int]] = {}
    for found, n_line in matches:
        address = trim(found["address"])
        low = address.casefold()
        if len(low) > LONGEST or (senders and (low in senders or _STAFF.match(low))):
            continue
        seen.setdefault(low, (address, n_line))
    return list(seen.values())


def _where_told(lines: list[str], places: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Each recipient at the first mention that a reply follows: many notices first list all who
    failed, and say below what each was told."""
    lines = lines[:NOTICE_LINES]
    lows = [line.casefold() if "@" in line else "" for line in lines]
    mentions = {
        address: [n_line for n_line, low in enumerate(lows) if address.casefold() in low]
        for address, n_line in places
        if n_line >= 0
    }
    starts = sorted({n_line for found in mentions.values() for n_line in found})
    ends = (min(end, start + REGION_LINES) for start, end in pairwise([*starts, len(lines)]))
    told = {start for start, end in zip(starts, ends, strict=True) if find(lines[start:end]).code}
    return [
        (address, next((later for later in mentions.get(address, ()) if later in told), n_line))
        for address, n_line in places
    ]


def _found(
    notice: Notice, places: list[tuple[str, int]], index: int, shared: Reply = _NO_REPLY
) -> Found:
    """What this recipient was told, or ``shared``, the one reply that the notice has for all."""
    recipient = places[index][0]
    region = _region(notice.lines, places, index)
    words = _reason(region, recipient)
    reply = shared if shared.code else find(region, recipient)
    # What others were told explains this failure only where nothing of its own is said.
    alone = len(places) == 1 or bool(shared.code) or not words
    if not reply.code and alone:
        reply = find(notice.lines[:NOTICE_LINES], recipient)
    if not reply.code:
        words = words or _before(notice.lines, *places[index])
        reply = Reply(words, "", enhanced_in(words))
    host = _spoken_to(notice.lines, places[index][1]) or _remote(region)
    host = host or (_remote(notice.lines) if alone else "")
    return Found(recipient, reply, host)


def _region(lines: list[str], places: list[tuple[str, int]], index: int) -> list[str]:
    start = places[index][1]
    if start < 0:
        return []
    later = [n_line for _, n_line in places if n_line > start]
    end = min([*later, start + REGION_LINES, len(lines)])
    return lines[start:end]


def _reason(region: list[str], recipient: str) -> str:
    """The words right after the recipient: the rest of the line, and the paragraph there."""
    if not region:
        return ""
    first, rest = region[0], region[1:]
    at = first.find(recipient)
    after = first[at + len(recipient) :] if at >= 0 else ""
    pieces = [after.strip(" <>\"':;,.[]()")] if after.strip(" <>\"':;,.[]()") else []
    for line in rest[:20]:
        if not line.strip():
            if pieces and not pieces[-1].endswith(":"):
                break
            continue
        pieces.append(line)
    return one_line(" ".join(pieces)[:1000])


def _before(lines: list[str], recipient: str, n_line: int) -> str:
    """What stands before the recipient on the line, else on the line above."""
    if n_line < 0:
        return ""
    said = lines[n_line].partition(recipient)[0].strip(" <>\"':;,.[]()-*")
    return one_line(said or (lines[n_line - 1] if n_line else "").strip(" :-"))


def _spoken_to(lines: list[str], n_line: int) -> str:
    """The host that Sendmail names above what each of several recipients was told."""
    above = (line for line in reversed(lines[: max(n_line, 0)]) if "talking to" in line)
    found = re.search(_TALKING, next(above, ""), re.IGNORECASE)
    return clean_host(found["host"]) if found else ""


def _remote(lines: list[str]) -> str:
    named = [(line, line.lower()) for line in lines[:REGION_LINES] if "." in line or "::" in line]
    for hint, pattern in _REMOTE:
        for line, low in named:
            if hint in low and (found := pattern.search(line)):
                return clean_host(found["host"])
    return ""
