"""A report as we pass it on: ARF (RFC 5965), with nothing in it that names who reported.

Redaction (RFC 6590) errs on the side of the reporter: only what a sender writes is passed on, and
decoded; the mailboxes that the message went to, and what names them elsewhere, are replaced.
"""

import re
from collections.abc import Sequence
from email.header import Header
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime
from typing import Final

from django.conf import settings
from django.utils import timezone

from abuse.hops import hops
from abuse.models import Report
from abuse.reading import HIDDEN, UNPARSABLE
from mailroom import guards
from mailroom.actions import Copy
from mailroom.addresses import FIND_ADDRESS, mailbox
from mailroom.originals import readable
from mailroom.outgoing import SAFE
from mailroom.sections import take_apart

TYPES: Final = {"auth_failure": "auth-failure", "not_spam": "not-spam", "opt_out": "opt-out"}
AUTH_FAILURES: Final = frozenset({"adsp", "bodyhash", "revoked", "signature", "spf", "dmarc"})
REDACTED: Final = "redacted"
# Headers that tell who got the message, or where it was.
_TELLING: Final = re.compile(
    r"^(to|cc|bcc|resent-to|resent-cc|delivered-to|x-original-to|envelope-to|x-envelope-to|"
    r"x-forwarded-to|x-hmxmroriginalrecipient|x-rcpt-to|apparently-to|received-spf|"
    r"authentication-results|arc-[a-z-]+|x-received|x-[a-z0-9-]*(?:recipient|rcpt|to))$",
    re.IGNORECASE,
)
_FIELD: Final = re.compile(r"^([!-9;-~]{1,76})[ \t]*:")
_FOR: Final = re.compile(r"\bfor\s+<?[^\s<>;]{1,320}>?", re.IGNORECASE)
_BY: Final = re.compile(r"\bby\s+[^\s;]{1,255}(?:\s+\([^()]{0,255}\))?", re.IGNORECASE)
KEPT: Final = 64 * 1024  # characters of the message
MOST_HIDDEN: Final = 20  # mailboxes: each is looked for in all of the text
# What a sender writes, and nobody on the way to whom it went.
HEADERS: Final = frozenset(
    {
        "from", "sender", "reply-to", "subject", "date", "message-id", "list-id", "user-agent",
        "x-mailer", "cfbl-feedback-id", "dkim-signature",
    }
)  # fmt: skip


def copy(report: Report) -> Copy:
    """The machine's part and the reported message, both without the reporter."""
    return Copy(fields=_fields(report), enclosed=_message(report))


def _message(report: Report) -> bytes:
    """The message in ASCII: what every server passes on unchanged, in lines of mail."""
    fields, words = shown(report)
    message = Message()
    for name, value in fields:
        charset = "us-ascii" if value.isascii() else "utf-8"
        message.add_header(name, Header(value, charset, header_name=name).encode())
    message.set_payload(words.encode("utf-8", "replace").decode(), SAFE)
    return message.as_bytes(policy=compat32)


def _fields(report: Report) -> str:
    """The fields of the part for machines (RFC 5965, section 3)."""
    kind = TYPES.get(report.feedback_class, report.feedback_class or "other")
    lines = [
        f"Feedback-Type: {kind}",
        "User-Agent: Postern/1",
        "Version: 1",
        f"Received-Date: {format_datetime(report.arrived_at or timezone.now())}",
        f"Reporting-MTA: dns; {settings.POSTERN_LETTER_DOMAIN}",
    ]
    if kind == "auth-failure":
        lines.append(f"Auth-Failure: {_auth_failure(report)}")
    if report.source_address:
        lines.append(f"Source-IP: {report.source_address}")
    if report.from_domain:
        lines.append(f"Reported-Domain: {report.from_domain}")
    if report.incidents > 1:
        lines.append(f"Incidents: {report.incidents}")
    return "\n".join(lines) + "\n"


def _auth_failure(report: Report) -> str:
    """Which check failed (RFC 6591, section 3.1): what the report says, where it is a known one."""
    said = str(report.facts.get("auth_failure", ""))
    return said if said in AUTH_FAILURES else "dmarc"


def redacted(report: Report) -> str:
    """The reported message as its sender may see it: a few headers, and the words of its body."""
    if not report.evidence:
        return ""
    fields, words = shown(report)
    return "\n".join(f"{name}: {value}" for name, value in fields) + f"\n\n{words}"


def shown(report: Report) -> tuple[list[tuple[str, str]], str]:
    """Headers and words, each without the reporter.

    Only headers that a sender writes, and the text of the body as a person reads it: an encoded
    body would carry through whatever is hidden in plain sight.
    """
    head, _gap, _body = _parts(report)
    hidden = _hidden(head, report)
    fields = []
    for name, value in _unfolded(head):
        if name.lower() in HEADERS:
            flat = readable(" ".join(value.split()))
            fields.append((name, _without(_opaque(flat), hidden, report.from_domain)))
    words = _without(_opaque(_words(report)), hidden, report.from_domain)
    return [*_ways(head, report), *fields], words


def subject(report: Report) -> str:
    """The subject in the same way; without any mailbox, once the message is no longer kept."""
    head, _gap, _body = _parts(report)
    text = _without(report.subject, _hidden(head, report), report.from_domain)
    return FIND_ADDRESS.sub(REDACTED, text)


def _parts(report: Report) -> tuple[str, str, str]:
    return report.evidence[:KEPT].replace("\r\n", "\n").partition("\n\n")


def _words(report: Report) -> str:
    """The text of the body, decoded; "" where it cannot be read within bounds."""
    raw = guards.head(report.evidence[:KEPT].encode("utf-8", "replace"))
    low = raw.lower()
    if guards.danger(low):
        return ""
    try:
        sections = take_apart(raw, low, whole=True)
        return HIDDEN.sub("", sections.notice)
    except UNPARSABLE:
        return ""


def _ways(head: str, report: Report) -> list[tuple[str, str]]:
    """The hops up to the reporter's network: from the line that names the sender's address on.

    Without such a line nobody can tell whose hops these are, and none is shown.
    """
    lines = [value for name, value in _unfolded(head) if name.lower() == "received"]
    known = [hop.address for hop in hops(head)]
    source = str(report.source_address or "")
    if not source or source not in known:
        return []
    entry, *below = lines[known.index(source) :][:10]
    hidden = _hidden(head, report)
    return [
        ("Received", _without(" ".join(_FOR.sub("", value).split()), hidden, report.from_domain))
        for value in (_BY.sub(f"by {REDACTED}", entry, count=1), *below)
    ]


def _hidden(head: str, report: Report) -> list[str]:
    """The mailboxes to hide: the reporter's, and those that the message went to."""
    found = [report.reporter_email.lower(), *sorted(_recipients(head))]
    return [address for address in found if "@" in address][:MOST_HIDDEN]


def _recipients(head: str) -> set[str]:
    """The mailboxes that the message names as where it went, in lower case."""
    found: set[str] = set()
    for name, value in _unfolded(head):
        if _TELLING.match(name):
            found |= {match[0].lower() for match in FIND_ADDRESS.finditer(value[:4000])}
        elif name.lower() == "received" and (where := _FOR.search(value[:2000])):
            found.add(mailbox(where[0]).lower())
    found.discard("")
    return found


def _unfolded(head: str) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    for line in head.split("\n"):
        if line[:1] in {" ", "\t"} and fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]}\n{line}")
        elif match := _FIELD.match(line):
            fields.append((match[1], line[match.end() :]))
    return fields


def _without(text: str, hidden: Sequence[str], from_domain: str) -> str:
    """``text`` without the mailboxes, their local parts in links and greetings, their networks.

    The sender's own domain is no secret from the sender.
    """
    for address in sorted(hidden, key=len, reverse=True):
        local, _at, domain = address.rpartition("@")
        words = [
            re.escape(address),
            re.escape(f"{local}={domain}"),
            re.escape(f"{local}%40{domain}"),
        ]
        if len(local) >= 4:
            words.append(rf"(?<![\w.-]){re.escape(local)}(?![\w.-])")
        if domain != from_domain:
            words.append(rf"(?<![\w-])(?:[\w-]{{1,63}}\.){{0,5}}{re.escape(domain)}(?![\w-])")
        text = re.sub("|".join(words), REDACTED, text, flags=re.IGNORECASE)
    return text


def _opaque(text: str) -> str:
    """The text with the long words of its links shortened: they often name one recipient."""
    return re.sub(
        r"(https?://[^\s/\"'<>]{1,255}/)[^\s\"'<>]{12,}", lambda found: found[1] + "...", text
    )
