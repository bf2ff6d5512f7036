"""From the bytes of a file to a diagnosis; ``mailroom.dsn`` is the door to it.

Every text is cut before it is searched, and every pattern is linear in it: repeats are bounded
wherever two of them could share characters.
"""

import re
from typing import Final

from mailroom import freetext, guards, lists, status_fields
from mailroom.addresses import FIND_ADDRESS, mailbox
from mailroom.blocks import Block, block_in
from mailroom.derived_status import derived
from mailroom.diagnosis import MALFORMED, Diagnosis, Failure, Original
from mailroom.freetext import NOTICE_LINES, Found, Notice
from mailroom.originals import read_original, readable
from mailroom.replies import Reply, find, one_line, parse
from mailroom.sections import (
    NOTICE_CHARS,
    ORIGINAL_CHARS,
    Sections,
    decode,
    take_apart,
    text_of,
)

# What the standard parser and codecs raise on mail that is none.
_UNPARSABLE: Final = (
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)

_FIRST_HEADER = re.compile(rb"(?:From [^\n]{0,300}\n)?[A-Za-z][\w-]{0,60}:")
_MAIL_HEADER = re.compile(
    rb"^(?:from|to|subject|date|received|return-path|message-id|mime-version|content-type"
    rb"|delivered-to):",
    re.IGNORECASE | re.MULTILINE,
)
_DAEMON = re.compile(
    r"mailer-?_?daemon|post_?master|mail delivery|delivery system|mail administrator|<>|bounce"
    r"|system administrator|mail system|delivery-?status",
    re.IGNORECASE,
)
_ONLY_A_DAEMON = re.compile(r"mailer-?_?daemon", re.IGNORECASE)
_AN_ANSWER = re.compile(r"(?:re|aw|antw|sv|vs|res|rif|odp)\s?:", re.IGNORECASE)
_FAILURE_SUBJECT = re.compile(
    r"undeliver|not deliver|returned mail|returning message|mail (?:system )?(?:error|failure"
    r"|failed)"
    r"|delivery (?:status|failure|notification|report|has)|failure notice|failed|bounce|warning:"
    r"|could ?n[o']t|not (?:a )?member|rejected|fml status|unzustellbar|non remis|no se puede"
    r"|delayed|error sending",
    re.IGNORECASE,
)
_FAILURE_WORDS = re.compile(
    r"(?:could|can|was|were|been|be|being|is|has)(?: ?not|n't) (?:be |been |able to )?"
    r"(?:deliver|sent|reach|successful)|undeliver|unable to (?:deliver|send)|delivery.{0,30}failed"
    r"|failed (?:to deliver|permanently|addresses)|had (?:permanent|transient|delivery|fatal"
    r"|errors)"
    r"|did not reach|error delivering|(?:has been|is) delayed|was blocked by|were rejected"
    r"|rejected by|was rejected|not a member|returned (?:mail|message)|transcript of session"
    r"|failure reasons|mailbox is full"
    r"|unknown user|error message below|account is (?:disabled|temporarily)"
    r"|送信できません|配信できません"
    r"|(?:<<<|>>>) ?[45]\d\d|доставлен|nicht zugestellt|unrouteable|delivery (?:has )?failed"
    r"|trouble delivering",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"delay|warning message only|not yet been delivered|will be retried|temporary failure report"
    r"|verzögert|verzögerung|noch nicht zugestellt"
)
_LOGGED = re.compile(r"\bto=<([^<>\s]{3,254})>")
# A part of a bounce of Postfix's, pasted without its headers.
_SAID = re.compile(r"<([^<>\s]{3,254})>: host ([A-Za-z0-9.-]{1,253})\[[0-9A-Fa-f.:]{2,45}\] said:")
_NOTHING: Final = Found("", Reply(), "")


def read(raw: bytes) -> Diagnosis:
    """Say what ``raw`` is: a bounce, a bare SMTP reply, another report, other mail.

    Never raises; what cannot be read, or would cost too much, is ``unreadable`` with its reason.
    """
    if error := guards.refusal(raw):
        return Diagnosis("unreadable", error=error)
    try:
        return _read(guards.head(raw))
    except _UNPARSABLE:
        return Diagnosis("unreadable", error=MALFORMED)


def _read(raw: bytes, *, enclosed: bool = False) -> Diagnosis:
    if not _is_message(raw):
        return _read_text(decode(raw[:NOTICE_CHARS], "utf-8"))
    low = raw.lower()
    if error := guards.danger(low):
        return Diagnosis("unreadable", error=error)
    sections = take_apart(raw, low)
    notice = Notice(lambda: sections.notice)
    original = _original(sections, notice)
    failures, is_report = _failures(sections, notice, original)
    if failures:
        return _diagnosis("bounce", failures, original or _envelope_sender(sections))
    if is_report or sections.is_report:
        return Diagnosis("report", original=original)
    if not enclosed and (inner := _passed_on(raw, low, sections)):
        return inner
    return Diagnosis("other", original=original)


def _passed_on(raw: bytes, low: bytes, sections: Sections) -> Diagnosis | None:
    """A bounce that somebody sent on as an enclosed mail or as a file."""
    text = ""
    if sections.originals:  # with its body, for there only it says what failed
        text = next(iter(take_apart(raw, low, whole=True).originals), "")
    elif sections.files:
        text = text_of(sections.files[0], ORIGINAL_CHARS)
    if not text:
        return None
    inner = _read(text.encode("utf-8", "replace"), enclosed=True)
    return inner if inner.kind == "bounce" else None


def _is_message(raw: bytes) -> bool:
    if not _FIRST_HEADER.match(raw):
        return False
    end = raw.find(b"\n\n", 0, guards.MAX_HEADER_BYTES)
    return _MAIL_HEADER.search(raw, 0, end if end >= 0 else guards.MAX_HEADER_BYTES) is not None


def _diagnosis(kind: str, failures: list[Failure], original: Original | None = None) -> Diagnosis:
    named = next((row.name for failure in failures if (row := _list_of(failure)) is not None), "")
    return Diagnosis(
        "bounce" if kind == "bounce" else "reply", tuple(failures), "", original, named
    )


def _list_of(failure: Failure) -> lists.Blocklist | None:
    return lists.named_in(failure.diagnostic) if failure.block_kind else None


# A message


def _failures(
    sections: Sections, notice: Notice, original: Original | None
) -> tuple[list[Failure], bool]:
    """The failed recipients, and whether there is a report that speaks of others only."""
    report = status_fields.read_report("\n\n".join(sections.statuses))
    if not report.recipients:
        text = "\n".join(notice.lines) if sections.statuses else sections.notice
        if (start := status_fields.starts_in(text)) >= 0:
            report = status_fields.read_report(text[start:])
    if report.recipients:
        failed = [
            _from_fields(report, block, notice)
            for block in report.recipients
            if status_fields.action_of(block) not in status_fields.DONE
        ]
        return failed, not failed
    if not _looks_like_failure(sections, notice):
        return [], False
    return _from_words(sections, notice, original), False


def _from_fields(report: status_fields.Report, block: dict[str, str], notice: Notice) -> Failure:
    recipient = status_fields.recipient_of(block)
    diagnostic = one_line(status_fields.untyped(block.get("diagnostic-code", "")))
    field = status_fields.status_of(block)
    reply = parse(diagnostic)
    complete = recipient and reply.code and diagnostic[3:4] != "-"
    found = _NOTHING if complete else _told_besides(notice, recipient, field)
    told = found.reply
    status = _fuller(field, reply.status or told.status)
    blocked = _first_block(reply.text, told.text)
    return Failure(
        recipient=recipient or found.recipient,
        status=status or derived(diagnostic or told.text, reply.code or told.code),
        smtp_code=reply.code or told.code,
        action=status_fields.action_of(block),
        reporting_mta=report.reporting_mta,
        remote_mta=status_fields.host_of(block, "remote-mta") or found.remote_mta,
        diagnostic=diagnostic or told.text,
        blocked_address=blocked.address,
        block_kind=blocked.kind,
    )


def _told_besides(notice: Notice, recipient: str, field: str) -> Found:
    """What people are told beside the fields, unless its class says that it is about another."""
    if recipient:
        found = freetext.about(notice, recipient)
    else:
        found = next(iter(freetext.failures(notice)), _NOTHING)
    code = found.reply.code
    return _NOTHING if code and field and code[0] != field[0] else found


def _fuller(field: str, said: str) -> str:
    """The Status field, or the code inside the reply where that says more."""
    return said if said and (not field or field.endswith(".0.0")) else field


def _first_block(*texts: str) -> Block:
    """The first block with an address, else the first of any kind."""
    best = Block()
    for text in texts:
        block = block_in(text) if text else best
        if block.address:
            return block
        best = best if best.kind else block
    return best


def _looks_like_failure(sections: Sections, notice: Notice) -> bool:
    if sections.heading("x-failed-recipients"):
        return True
    daemon = _DAEMON.search(sections.heading("from")) or _DAEMON.fullmatch(
        sections.heading("return-path")
    )
    said = _FAILURE_SUBJECT.search(readable(sections.heading("subject")))
    if daemon and said:
        return True
    told = _FAILURE_WORDS.search(" ".join(notice.lines[:80]))
    if told and (daemon or said or sections.originals or find(notice.lines).code):
        return True
    return _is_from_a_program(sections) and _tells_a_reply(notice)


def _is_from_a_program(sections: Sections) -> bool:
    """Whether a mailer wrote this; as "postmaster" people write too, and most of all answers."""
    sender = sections.heading("from")
    if _ONLY_A_DAEMON.search(sender):
        return True
    if not _DAEMON.search(sender):
        return False
    if sections.heading("return-path") == "<>":
        return True
    if sections.heading("auto-submitted").lower() not in ("", "no"):
        return True
    subject = readable(sections.heading("subject"))
    return not (sections.heading("in-reply-to") or _AN_ANSWER.match(subject))


def _tells_a_reply(notice: Notice) -> bool:
    """Whether there is a full reply: then it is a bounce, in whatever language."""
    reply = find(notice.lines[:NOTICE_LINES])
    return bool(reply.code and reply.status)


def _from_words(sections: Sections, notice: Notice, original: Original | None) -> list[Failure]:
    hinted = FIND_ADDRESS.findall(sections.heading("x-failed-recipients"))
    senders = {mailbox(sections.heading(name)).casefold() for name in ("to", "from")}
    if original:
        senders.add(original.sender_email.casefold())
    found = freetext.failures(notice, hinted, senders, original.to if original else "")
    told = "\n".join((sections.heading("subject"), *notice.lines[:40]))
    delayed = _DELAYED.search(told.lower())
    reporting = freetext.reporting_mta(notice)
    return [_from_found(one, "delayed" if delayed else "failed", reporting) for one in found]


def _from_found(found: Found, action: str, reporting_mta: str) -> Failure:
    reply = found.reply
    block = _first_block(reply.text)
    return Failure(
        recipient=found.recipient,
        status=reply.status or derived(reply.text, reply.code),
        smtp_code=reply.code,
        action=action,
        reporting_mta=reporting_mta,
        remote_mta=found.remote_mta,
        diagnostic=reply.text,
        blocked_address=block.address,
        block_kind=block.kind,
    )


def _original(sections: Sections, notice: Notice) -> Original | None:
    for text in sections.originals:
        if original := read_original(text):
            return original
    if not sections.statuses and (original := read_original(notice.original)):
        return original
    for text in sections.statuses:
        if rest := status_fields.read_report(text).rest:
            return read_original(rest.partition("\n\n")[2])
    return None


def _envelope_sender(sections: Sections) -> Original | None:
    """Whom the bounce was sent to: the envelope's sender of the mail that it is about."""
    address = mailbox(sections.heading("to"))
    return Original(sender_email=address) if address else None


# A text that is no message


def _read_text(text: str) -> Diagnosis:
    notice = Notice(lambda: text)
    original = read_original(notice.original) if notice.original else None
    if (start := status_fields.starts_in(text)) >= 0:
        report = status_fields.read_report(text[start:])
        failed = [
            _from_fields(report, block, notice)
            for block in report.recipients
            if status_fields.action_of(block) not in status_fields.DONE
        ]
        if failed:
            return _diagnosis("bounce", failed, original)
    reply = parse(text)
    opens = text.lstrip(" \n\t'\"")[:3]
    if not opens.isdigit() and len(notice.lines) > 4 and _FAILURE_WORDS.search(text[:8000]):
        reporting = freetext.reporting_mta(notice)
        found = freetext.failures(notice)
        if failed := [_from_found(one, "failed", reporting) for one in found]:
            return _diagnosis("bounce", failed, original)
    return _read_reply(reply, notice)


def _read_reply(reply: Reply, notice: Notice) -> Diagnosis:
    if not reply.code:
        reply = find(notice.lines) if find(notice.lines).code else reply
    block = block_in(reply.text)
    if not (reply.code or reply.status or block.kind):
        return Diagnosis("other")
    logged = _LOGGED.search("\n".join(notice.lines[:20]))
    said = _SAID.search("\n".join(notice.lines[:60]))
    to = logged or said
    failure = Failure(
        recipient=mailbox(to[1]) if to else "",
        remote_mta=said[2] if said else "",
        status=reply.status or derived(reply.text, reply.code),
        smtp_code=reply.code,
        diagnostic=reply.text,
        blocked_address=block.address,
        block_kind=block.kind,
    )
    return _diagnosis("reply", [failure])
