"""A report as we pass it on: ARF (RFC 5965), with nothing in it that names who reported.

Redaction (RFC 6590) errs on the side of the reporter: only what a sender writes is passed on, and
decoded; the mailboxes that the message went to, and what names them elsewhere, are replaced.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime
from typing import Final
from unicodedata import category

from django.conf import settings
from django.utils import timezone

from abuse.attribution import above
from abuse.hops import Hop, hops
from abuse.models import Report
from abuse.reading import HIDDEN, UNPARSABLE
from mailroom import guards
from mailroom.actions import Copy
from mailroom.addresses import ADDRESS, FIND_ADDRESS, trim
from mailroom.originals import readable
from mailroom.outgoing import SAFE
from mailroom.sections import take_apart

TYPES: Final = {"auth_failure": "auth-failure", "not_spam": "not-spam", "opt_out": "opt-out"}
AUTH_FAILURES: Final = frozenset({"adsp", "bodyhash", "revoked", "signature", "spf", "dmarc"})
REDACTED: Final = "redacted"
# Headers that tell who got the message, or where it was.
_TELLING: Final = re.compile(
    r"^(to|cc|bcc|resent-to|resent-cc|delivered-to|envelope-to|apparently-to|received-spf|"
    r"authentication-results|arc-[a-z-]+|x-received|x-[a-z0-9-]*(?:recipient|rcpt|to))$",
    re.IGNORECASE,
)
# Of these, what a server noted as it handed the message over: the reporter's own mailbox.
_NOTED: Final = re.compile(
    r"^(delivered-to|envelope-to|x-[a-z0-9-]*(?:recipient|rcpt|to))$", re.IGNORECASE
)
_FIELD: Final = re.compile(r"^([!-9;-~]{1,76})[ \t]*:")
_FOR: Final = re.compile(r"\bfor\s+<?[^\s<>;]{1,320}>?", re.IGNORECASE)
_FOR_WHOM: Final = re.compile(rf"\bfor\s+<?({ADDRESS})", re.IGNORECASE)
# A Message-ID, without the remarks that servers put beside it.
_NAMED: Final = re.compile(r"<[^<>]*>|^[^<>()\s]+")
# What stands for the @ where an address is part of a link, a name or another address.
_JOINT: Final = r"(?:[@＠_=.+-]|%40|%3d|=40|&#64;)"
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


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a copy is made of: the fields that are passed on, the way, and whom to hide.

    ``entry`` is the hop that brought the message from the sender's address to the reporter's
    network, None where no line names that address.
    """

    fields: list[tuple[str, str]]
    hops: list[Hop]
    entry: int | None
    hidden: list[str]
    from_domain: str

    def without(self, text: str) -> str:
        return _without(text, self.hidden, self.from_domain)


def _seen(report: Report) -> _Seen:
    head = _visible(report.evidence[:KEPT]).replace("\r\n", "\n").partition("\n\n")[0]
    ways, source = hops(head), str(report.source_address or "")
    clients = [hop.address for hop in ways]
    return _Seen(
        fields=_passed_on(head, report),
        hops=ways,
        entry=clients.index(source) if source and source in clients else None,
        hidden=_hidden(head, report),
        from_domain=report.from_domain,
    )


def shown(report: Report) -> tuple[list[tuple[str, str]], str]:
    """Headers and words, each without the reporter.

    Only headers that a sender writes, and the text of the body as a person reads it: an encoded
    body would carry through whatever is hidden in plain sight.  No words where they may be the
    reporter's own, or may name a mailbox that nobody has looked for.
    """
    seen = _seen(report)
    fields = []
    for name, value in seen.fields:
        if name.lower() in HEADERS:
            flat = _opaque(readable(" ".join(value.split())))
            fields.append((name, _said(name.lower(), flat, seen, report)))
    words = ""
    if not report.facts.get("inline") and len(seen.hidden) <= MOST_HIDDEN:
        words = seen.without(_opaque(_words(report)))
    return [*_ways(seen), *fields], words


def subject(report: Report) -> str:
    """The subject in the same way, without any mailbox."""
    seen, text = _seen(report), report.subject
    if report.facts.get("inline"):
        copied = (value for name, value in seen.fields if name.lower() == "subject")
        text = readable(next(copied, text))
    return _said("subject", text, seen, report)


def message_id(report: Report) -> str:
    """The Message-ID in the same way; "" for none."""
    return _said("message-id", report.message_id, _seen(report), report)


def _said(name: str, text: str, seen: _Seen, report: Report) -> str:
    """What a header field of that name says, on one line and decoded."""
    if name == "message-id":
        return _named(text, seen, report)
    text = seen.without(text)
    return FIND_ADDRESS.sub(REDACTED, text) if name == "subject" else text


def _named(text: str, seen: _Seen, report: Report) -> str:
    """A Message-ID that is the sender's; one that may be of the reporter's network is hidden.

    Where the sender gave none, a server on the way did, and put its own name in it.  Once the
    message is forgotten nothing tells which servers these were.
    """
    found = _NAMED.search(text)
    if found is None:
        return ""
    host = found[0].strip("<>").rpartition("@")[2].lower()
    names = {above(address.rpartition("@")[2])[-1] for address in seen.hidden}
    is_senders = bool(seen.from_domain) and f".{host}".endswith(f".{seen.from_domain}")
    if is_senders and above(host)[-1] not in names:  # a From may be forged to their own domain
        return seen.without(found[0])
    # The servers that may be of their network: all, if nothing tells where it begins.
    takers = seen.hops[: None if seen.entry is None else seen.entry + 1]
    names |= {above(hop.by)[-1] for hop in takers if hop.by}
    is_theirs = not report.facts or above(host)[-1] in names
    return REDACTED if is_theirs else seen.without(found[0])


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


def _passed_on(head: str, report: Report) -> list[tuple[str, str]]:
    """The fields.  Of those that were copied into words only the first line: programs do not fold
    them as servers do, and what follows may be words of the reporter."""
    fields = _unfolded(head)
    if report.facts.get("inline"):
        return [(name, value.partition("\n")[0]) for name, value in fields]
    return fields


def _ways(seen: _Seen) -> list[tuple[str, str]]:
    """The hops up to the reporter's network: from the line that names the sender's address on.

    Without such a line nobody can tell whose hops these are, and none is shown.
    """
    if seen.entry is None:
        return []
    lines = [value for name, value in seen.fields if name.lower() == "received"]
    below = (" ".join(_FOR.sub("", value).split()) for value in lines[seen.entry + 1 :][:9])
    ways = [_entered(seen.hops[seen.entry]), *map(seen.without, below)]
    return [("Received", way) for way in ways]


def _entered(hop: Hop) -> str:
    """The line of the reporter's server, made anew: what else stands there is partly the client's
    choice, which could make the name of the server look like something else."""
    literal = f"IPv6:{hop.address}" if ":" in hop.address else hop.address
    try:
        at = datetime.fromisoformat(hop.at)
        date = format_datetime(at.astimezone(UTC) if at.tzinfo else at)
    except (ValueError, OverflowError):
        return f"from [{literal}] by {REDACTED}"
    return f"from [{literal}] by {REDACTED}; {date}"


def _hidden(head: str, report: Report) -> list[str]:
    """The mailboxes to hide, the surest first: the reporter's, and where the message went."""
    named = [str(address).lower() for address in report.facts.get("recipients", ())]
    found = [report.reporter_email.lower(), *named, *_recipients(head)]
    return [address for address in dict.fromkeys(found) if all(address.rpartition("@"))]


def _recipients(head: str) -> list[str]:
    """The mailboxes that the message names as where it went, in lower case: what servers noted as
    they handed it over, then what the sender and others wrote."""
    noted: list[str] = []
    others: list[str] = []
    for name, value in _unfolded(head):
        if name.lower() == "received":
            noted += _FOR_WHOM.findall(value)
        elif _TELLING.match(name):
            found = [match[0] for match in FIND_ADDRESS.finditer(value)]
            (noted if _NOTED.match(name) else others).extend(found)
    return [trim(address).lower() for address in noted + others]


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
    text = _visible(text)
    for address in sorted(hidden[:MOST_HIDDEN], key=len, reverse=True):
        local, _at, domain = address.rpartition("@")
        # In links and names of lists the dots are often written as something else.
        joined = re.escape(domain).replace(r"\.", "[._-]")
        words = [f"{re.escape(local)}{_JOINT}{joined}"]
        if len(local) >= 4:
            words.append(rf"(?<![\w.-]){re.escape(local)}(?![\w.-])")
        if domain != from_domain:
            words.append(rf"(?<![\w-])(?:[\w-]{{1,63}}\.){{0,5}}{re.escape(domain)}(?![\w-])")
        text = re.sub("|".join(words), REDACTED, text, flags=re.IGNORECASE)
    return text


def _visible(text: str) -> str:
    """``text`` without signs that nobody sees (soft hyphens, joiners), which can stand inside of
    an address and keep it from being found."""
    return text if text.isascii() else "".join(sign for sign in text if category(sign) != "Cf")


def _opaque(text: str) -> str:
    """The text with the long words of its links shortened: they often name one recipient."""
    return re.sub(
        r"(https?://[^\s/\"'<>]{1,255}/)[^\s\"'<>]{12,}", lambda found: found[1] + "...", text
    )
