"""A report as we pass it on: ARF (RFC 5965), with nothing in it that names who reported.

Redaction (RFC 6590) errs on the side of the reporter: the mailboxes that the message went to, and
whatever names them elsewhere in it, are replaced; so are the hops inside the reporter's network.
"""

import re
from collections.abc import Sequence
from email.utils import format_datetime
from typing import Final

from django.conf import settings
from django.utils import timezone

from abuse.models import Report
from mailroom.actions import Copy
from mailroom.addresses import FIND_ADDRESS, mailbox

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
WIDEST: Final = 900  # characters of a line


def copy(report: Report) -> Copy:
    """The machine's part and the reported message, both without the reporter."""
    return Copy(fields=_fields(report), enclosed=_in_ascii(redacted(report)))


def _in_ascii(text: str) -> bytes:
    """What every server passes on unchanged: 7 bits, and lines within RFC 5322, section 2.1.1."""
    plain = text.encode("ascii", "backslashreplace").decode()
    lines = (line[at : at + WIDEST] for line in plain.split("\n") for at in _cuts(line))
    return "\n".join(lines).encode()


def _cuts(line: str) -> range:
    return range(0, max(1, len(line)), WIDEST)


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
    """The reported message as its sender may see it: headers first, then what was kept of it."""
    head, gap, body = _parts(report)
    headers = "\n".join(_redacted_headers(head, str(report.source_address or "")))
    return _without(_opaque(headers + gap + body), _hidden(head, report), report.from_domain)


def subject(report: Report) -> str:
    """The subject in the same way; without any mailbox, once the message is no longer kept."""
    head, _gap, _body = _parts(report)
    text = _without(report.subject, _hidden(head, report), report.from_domain)
    return FIND_ADDRESS.sub(REDACTED, text)


def _parts(report: Report) -> tuple[str, str, str]:
    return report.evidence[:KEPT].replace("\r\n", "\n").partition("\n\n")


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


def _redacted_headers(head: str, source: str) -> list[str]:
    fields = _unfolded(head)
    hops = [value for name, value in fields if name.lower() == "received"]
    # Above the hop that took the message from its sender all is the reporter's network.
    entry = next((n for n, value in enumerate(hops) if source and source in value), 0)
    lines, hop = [], 0
    for name, value in fields:
        if _TELLING.match(name):
            lines.append(f"{name}: {REDACTED}")
        elif name.lower() == "received":
            lines.append(f"{name}:{_redacted_hop(value, hop - entry)}")
            hop += 1
        else:
            lines.append(f"{name}:{value}")
    return lines


def _redacted_hop(value: str, below: int) -> str:
    """A Received line; ``below``: how far below the entry into the reporter's network it is."""
    if below < 0:
        return f" {REDACTED};{value.rpartition(';')[2]}"
    plain = _FOR.sub(f"for <{REDACTED}>", value)
    return plain if below else _BY.sub(f"by {REDACTED}", plain, count=1)


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
        r"(https?://[^\s/\"'<>]{1,255}/)[^\s\"'<>]{12,}", lambda found: found[1] + "…", text
    )
