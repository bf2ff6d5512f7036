"""The fields of a feedback report: RFC 5965 section 3, RFC 6591 section 3.1, and as they come.

Whoever writes one bends it: old names, remarks behind an address, fields twice.  The first one
counts where one is allowed, all of them where several are.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from textwrap import dedent
from typing import Final, Literal

from mailroom.addresses import MOST_NESTED, canonical, clean_host, mailbox
from mailroom.originals import bare_id, clean

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

# What a report may say without saying of which type it is.
_OTHERS: Final = frozenset(
    {"source-ip", "arrival-date", "received-date", "original-mail-from", "user-agent", "version"}
)
_DOMAIN = re.compile(r"(?:\*\.)?\w[\w.-]{0,252}")
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]{0,60})[ \t]{0,8}:[ \t]?(.*)$")
# A type before a name or an address (RFC 3464, section 2.1.2), which has neither dot nor sign.
_TYPED = re.compile(r"^\s*[A-Za-z][A-Za-z0-9-]{0,40}\s*;\s*")
_COMMENT = re.compile(r"\([^()]{0,500}\)")
_IN_ANGLES = re.compile(r"<([^<>\s]{1,320})>")
_BETWEEN = re.compile(r"[\s,;()<>\"']+")
# What stands between two of these signs; in quotes they are none.
_IN_COMMAS, _IN_SEMICOLONS = (re.compile(rf'(?:"[^"]*"|[^{sign}])++') for sign in ",;")
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f.:]+)\]:\d{1,5}|([\d.]+):\d{1,5}")
_IPV6 = re.compile(r"^(\[?)ipv6:", re.IGNORECASE)
_HOST_OF_URL = re.compile(
    r"(?<![A-Za-z])[A-Za-z]{1,20}://(?:[^\s/@]{0,200}@)?([^\s/,;]+)(?:/\S{0,1000}?)?(?=[,;]?(?:\s|$))"
)


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
    message_id: str = ""
    incidents: int = 1


def fields_of(text: str) -> dict[str, list[str]]:
    """The fields by lower-case name, each with its values in order; folded lines are joined."""
    found: dict[str, list[str]] = {}
    last: list[str] | None = None
    n = 0
    for line in text.removeprefix("\ufeff").splitlines():
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


def feedback_in(text: str, *, is_report: bool = False) -> Feedback | None:
    """The report in a part, None if the text says nothing of a feedback type.

    ``is_report``: the part is one by its own type, so that it may lack even that field.
    """
    fields = fields_of(dedent(text) if is_report else text)
    if "feedback-type" not in fields and not (is_report and _OTHERS & set(fields)):
        return None

    def every(*names: str) -> Iterable[str]:
        return (value for name in names for value in fields.get(name, ()) if value)

    def one(*names: str) -> str:
        return next(iter(every(*names)), "")

    return Feedback(
        feedback_type=_token(one("feedback-type")),
        source_address=next(filter(None, map(address, every("source-ip", "source"))), ""),
        arrival_date=one("arrival-date", "received-date"),
        original_mail_from=envelope(one("original-mail-from")),
        original_rcpt_to=_all(map(envelope, _pieces(every("original-rcpt-to")))),
        reported_domain=_all(map(_domain, _pieces(every("reported-domain")))),
        reporting_mta=clean_host(_TYPED.sub("", one("reporting-mta"))),
        auth_failure=_token(one("auth-failure")),
        user_agent=one("user-agent"),
        version=one("version"),
        message_id=bare_id(one("message-id", "original-message-id")),
        incidents=_number(one("incidents")),
    )


def feedback_class(feedback_type: str) -> FeedbackClass:
    """What a report with this Feedback-Type complains of; "other" for a type that is unknown."""
    return _CLASSES.get(feedback_type.strip().lower().replace("_", "-"), "other")


def _token(value: str) -> str:
    """A token without the comments that may stand around it, and parameters behind it."""
    return " ".join(_uncommented(value).split(";")[0].lower().split()).strip('"')


def _uncommented(value: str) -> str:
    """Comments may stand within comments (RFC 5322, section 3.2.2)."""
    for _level in range(MOST_NESTED):
        value, n_removed = _COMMENT.subn(" ", value)
        if not n_removed:
            break
    return value


def _pieces(values: Iterable[str]) -> Iterable[str]:
    """One for each value; several that were written into one field, as none should, apart."""
    for value in islice(values, MOST_VALUES):
        plain = _HOST_OF_URL.sub(r"\1", _uncommented(value))
        for piece in _IN_COMMAS.findall(plain):
            yield from _IN_SEMICOLONS.findall(_TYPED.sub("", piece))


def _all(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))[:MOST_VALUES]


def _number(text: str) -> int:
    return min(int(text), 1000) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def address(text: str) -> str:
    """An IP address without brackets, type, port and remarks; "" if there is none."""
    for word in _BETWEEN.split(text[:LONGEST].strip())[:5]:
        plain = _IPV6.sub(r"\1", word)
        port = _WITH_PORT.fullmatch(plain)
        if found := canonical((port[1] or port[2]) if port else plain.strip("[]")):
            return found
    return ""


def envelope(text: str) -> str:
    """What stands in a path such as ``<a@b.example>``, "" for the null one.

    It is an address, or what was put in its place, whatever its characters are: in running text
    it would be cut where such an address cannot go on.
    """
    path = _TYPED.sub("", text[:LONGEST]).strip()
    found = _IN_ANGLES.search(path)
    word = found[1] if found else path
    if word.startswith("@"):  # a source route: RFC 5321, appendix C
        word = word.partition(":")[2]
    if " " in word:  # quoted, or with remarks
        return mailbox(path)
    return word.strip("<>,;").removeprefix("mailto:")


def _domain(text: str) -> str:
    """A domain as it is written, in letters of any script."""
    name = text.rpartition("@")[2].strip().strip("<>[]()\"'.").lower()
    return found[0].rstrip(".") if (found := _DOMAIN.match(name)) else ""
