"""The fields of a feedback report: RFC 5965 section 3, RFC 6591 section 3.1, and as they come.

Whoever writes one bends it: old names, remarks behind an address, fields twice.  The first one
counts where one is allowed, all of them where several are.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from mailroom.addresses import canonical, clean_host, mailbox
from mailroom.originals import clean

LONGEST: Final = 2000  # characters of one field
MOST: Final = 200  # fields of one report that are read
MOST_VALUES: Final = 50  # of a field that may come several times

FeedbackClass = Literal[
    "abuse", "fraud", "virus", "auth_failure", "not_spam", "opt_out", "other"
]  # fmt: skip
# RFC 5965 section 7.3, RFC 6430, RFC 6591; the drafts before them; SES, Return Path; XARF.
_CLASSES: Final[dict[str, FeedbackClass]] = {
    **dict.fromkeys(
        ("abuse", "complaint", "spam", "junk", "bulk-messaging", "unsolicited"), "abuse"
    ),
    **dict.fromkeys(("fraud", "phishing", "phish", "scam"), "fraud"),
    **dict.fromkeys(("virus", "malware"), "virus"),
    **dict.fromkeys(
        ("auth-failure", "authfailure", "dkim", "spf", "dmarc", "adsp"), "auth_failure"
    ),
    **dict.fromkeys(("not-spam", "notspam", "not-junk", "ham", "false-positive"), "not_spam"),
    **dict.fromkeys(("opt-out", "optout", "opt-out-list", "unsubscribe"), "opt_out"),
}

_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]{0,60})[ \t]{0,8}:[ \t]?(.*)$")
_TYPED = re.compile(r"^\s*(?:dns|rfc822)\s*;\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a report says.  What it does not say is "" or empty; texts are on one line."""

    feedback_type: str = ""
    source_address: str = ""
    arrival_date: str = ""
    original_mail_from: str = ""
    original_rcpt_to: tuple[str, ...] = ()
    reported_domain: tuple[str, ...] = ()
    reporting_mta: str = ""
    auth_failure: str = ""
    user_agent: str = ""
    version: str = ""
    incidents: int = 1


def fields_of(text: str) -> dict[str, list[str]]:
    """The fields by lower-case name, each with its values in order; folded lines are joined."""
    found: dict[str, list[str]] = {}
    last: list[str] | None = None
    n = 0
    for line in text.splitlines():
        if line[:1] in {" ", "\t"} and last:
            last[-1] = f"{last[-1]} {line.strip()}"[:LONGEST]
            continue
        match = _FIELD.match(line[:LONGEST])
        if match is None:
            last = None
            continue
        n += 1
        if n > MOST:
            break
        last = found.setdefault(match[1].lower(), [])
        last.append(match[2].strip())
    return {name: [clean(value) for value in values] for name, values in found.items()}


def feedback_in(text: str) -> Feedback | None:
    """The report in a part, None if the text says nothing of a feedback type."""
    fields = fields_of(text)
    if "feedback-type" not in fields:
        return None

    def one(*names: str) -> str:
        return next((fields[name][0] for name in names if fields.get(name)), "")

    return Feedback(
        feedback_type=one("feedback-type").lower().split(";")[0].strip(),
        source_address=address(one("source-ip", "source")),
        arrival_date=one("arrival-date", "received-date"),
        original_mail_from=envelope(one("original-mail-from")),
        original_rcpt_to=_all(envelope(value) for value in fields.get("original-rcpt-to", [])),
        reported_domain=_all(
            clean_host(value).lower() for value in fields.get("reported-domain", [])
        ),
        reporting_mta=clean_host(_TYPED.sub("", one("reporting-mta"))),
        auth_failure=one("auth-failure").lower(),
        user_agent=one("user-agent"),
        version=one("version"),
        incidents=_number(one("incidents")),
    )


def feedback_class(feedback_type: str) -> FeedbackClass:
    """What a report with this Feedback-Type complains of; "other" for a type that is unknown."""
    return _CLASSES.get(feedback_type.strip().lower().replace("_", "-"), "other")


def _all(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))[:MOST_VALUES]


def _number(text: str) -> int:
    return min(int(text), 1000) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def address(text: str) -> str:
    """An IP address without brackets, type and remarks; "" if there is none."""
    for word in text.replace("(", " ").replace(")", " ").split()[:4]:
        plain = word.strip("[]<>,;").removeprefix("IPv6:").removeprefix("ipv6:")
        if found := canonical(plain):
            return found
    return ""


def envelope(text: str) -> str:
    """The mail address of a path such as ``<a@b.example>``, "" for the null one."""
    return mailbox(_TYPED.sub("", text))
