"""SMTP replies (RFC 5321 section 4.2) with their enhanced codes (RFC 3463), found in any text."""

import re
from dataclasses import dataclass
from typing import Final

MAX_REPLY: Final = 4000  # characters
MAX_LINES: Final = 40
MAX_CODE_COLUMN: Final = 300

_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")
_FIRST = re.compile(
    r"""^[\s'"<\[(#*>]{0,12}([45]\d\d)(?=[\s:;,.#'"()\[\]<-]|$)[\s:;,.#'"()\[\]-]{0,6}"""
    r"""(?:[45]\d\d[\s-]{1,3})?\#?([245]\.\d{1,3}\.\d{1,3}(?!\d|\.\d))?"""
)
# What a sending mailer puts before the words of the receiving one.
_TOLD = re.compile(
    r"\b(?:said|says|refused to talk to me|responded with failure|server returned was"
    r"|remote server returned|error message(?: below)?|response message\]?"
    r"|status: error|reports)\b['\"\s]{0,3}[:\[]?[\s\['\"]{0,4}(?=[#'\"]?[45]\d\d\b)",
    re.IGNORECASE,
)
_AT_LINE_START = re.compile(
    r"""^[\s|*]{0,40}(?:(?:Received|Sent)?\s{0,2}(?:<<<|>>>|<--)\s{0,3})?[#'"]?"""
    r"([45]\d\d)(?=[ :\-]|$)"
)
_AFTER_A_MARK = re.compile(
    r"""(?:[:'"\[(<\]>]\s{0,3}\#?|[\]),;]\s|\s<--\s|(?:code|error)\s{1,2}:?)
    ([45]\d\d)(?=[\ \-:,]|[.>]?$|>)
    |(?<![\w.])([45]\d\d)(?=[\ -]\#?[45]\.\d{1,3}\.\d{1,3}(?![\d.]))""",
    re.IGNORECASE | re.VERBOSE,
)
_COMMAND = re.compile(r"^\s{0,12}(?:<<<|>>>|\.\.\. while|Sent |Received )")
_ASKED = re.compile(r"^\s{0,12}(?:Sent\s{0,2})?(?:>>>|<<<)\s{0,3}[A-Z]{4}\b", re.IGNORECASE)
_END = re.compile(
    r"^\s{0,8}(?:giving up on|i'm not going to try|this (?:has been|is) a permanent|\[?STEP:"
    r"|message (?:could not be|will be)|no further|--|==|\*\*\*|_____|final-recipient:)",
    re.IGNORECASE,
)
_IN_REPLY = re.compile(r"\s{0,80}\(in reply to [^()]{0,60}\)$")

_UNHELPFUL = ("503", "354", "220", "250", "221")
# Sendmail's own sum of what the other server said, with the recipient or without.
_OWN_WORDS = re.compile(r"554 (?:5\.0\.0 )?(?:<[^<>]{0,320}>\.\.\. )?Service unavailable")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply on one line, its three digits and its enhanced code; "" for what it lacks."""

    text: str = ""
    code: str = ""
    status: str = ""


def one_line(text: str) -> str:
    """Collapse white space and drop other control characters; at most ``MAX_REPLY`` long."""
    flat = " ".join(text[:MAX_REPLY].split())
    return flat if flat.isprintable() else "".join(c for c in flat if c.isprintable())


def the_words(text: str) -> str:
    """The receiving server's own words, without what the sending mailer says around them."""
    if not text[:3].isdigit() and (found := _TOLD.search(text[:MAX_REPLY])):
        text = text[found.end() :]
    text = text[:MAX_REPLY].rstrip()
    return _IN_REPLY.sub("", text) if text.endswith(")") else text


def parse(text: str) -> Reply:
    """Read the code at the beginning of a reply and the enhanced code that belongs to it."""
    words = the_words(text).strip()
    found = _FIRST.match(words)
    if not found:
        code = _code_in(words[:MAX_CODE_COLUMN].replace("\n", " "))[1]
        return Reply(one_line(words), code, enhanced_in(words, code) or enhanced_in(words))
    code = found[1]
    status = found[2] or enhanced_in(words, code)
    return Reply(one_line(words), code, status or "")


def enhanced_in(text: str, code: str = "") -> str:
    """The first enhanced code in ``text`` of the class of ``code``, or of any without one."""
    for found in _ENHANCED.finditer(text[:MAX_REPLY]):
        if not code or found[1][0] == code[0]:
            return found[1]
    return ""


def find(lines: list[str], recipient: str = "") -> Reply:
    """Find the reply that explains a failure in the lines of a notice.

    A reply about ``recipient`` comes before others, a telling one before what merely followed
    ("503 Need RCPT"), and the receiving server's before the reporting one's.
    """
    best: tuple[int, int] | None = None
    best_rank = 99
    for n_line, line in enumerate(lines):
        at, code = _code_in(line)
        if at < 0:
            continue
        rank = _rank(line, code, recipient)
        if rank < best_rank:
            best, best_rank = (n_line, at), rank
        if best_rank == 0:
            break
    if best is None:
        return Reply()
    return parse(_collect(lines, *best))


def _code_in(line: str) -> tuple[int, str]:
    """(column, code) of a reply in this line, or (-1, "")."""
    if "4" not in line and "5" not in line:
        return -1, ""
    if found := _AT_LINE_START.match(line):
        return found.start(1), found[1]
    if found := _AFTER_A_MARK.search(line):
        return found.start(found.lastindex or 0), found[found.lastindex or 0]
    return -1, ""


def _rank(line: str, code: str, recipient: str) -> int:
    unhelpful = code in _UNHELPFUL or _OWN_WORDS.fullmatch(line.strip()) is not None
    about = not recipient or recipient.casefold() in line.casefold()
    heard = "<<<" in line or not _AT_LINE_START.match(line)
    return 8 * unhelpful + 2 * (not about) + (not heard and bool(recipient) and not about)


def _collect(lines: list[str], n_line: int, at: int) -> str:
    """The reply that starts at a column: to the end of its paragraph or of its own lines."""
    first = lines[n_line]
    heard = _COMMAND.match(first) is not None
    pieces = [first[at:]]
    code = first[at : at + 3]
    for line in lines[n_line + 1 : n_line + MAX_LINES]:
        if heard:
            found = _AT_LINE_START.match(line)
            if not (_COMMAND.match(line) and found and found[1] == code) or _ASKED.match(line):
                break
            line = line[found.start(1) :]
        elif not line.strip() or _END.match(line) or _COMMAND.match(line):
            break
        else:
            found = _AT_LINE_START.match(line)
            if found and found[1] != code:
                break
        pieces.append(line)
    return _close("\n".join(pieces), first[:at])


def _close(text: str, before: str) -> str:
    """Drop the bracket or quote that ``before`` opened and the end of ``text`` closes."""
    text = text.strip()
    opener = before.rstrip("# ")[-1:]
    closer = {"'": "'", '"': '"', "[": "]", "(": ")", "<": ">"}.get(opener)
    if closer and text.endswith(closer):
        text = text[:-1]
    return text.removesuffix("##").strip()
