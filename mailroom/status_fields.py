"""The fields of a delivery status report (RFC 3464), as they stand in real reports.

Blocks without blank lines between them, blanks before the colon, missing types, mixed order and
fields inside running text all occur.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from mailroom.addresses import clean_host, mailbox

MAX_RECIPIENTS: Final = 100
MAX_LINES: Final = 4000
MAX_VALUE: Final = 4000  # characters of one unfolded field

_FIELD = re.compile(
    r"([A-Za-z][A-Za-z0-9-]{1,40}(?: (?:address|code|system))?)[ \t]{0,8}:[ \t]*(.*)"
)
_TYPE = re.compile(r"\s*[A-Za-z][A-Za-z0-9/-]{0,30}\s*;\s*")
_START = re.compile(
    r"^[ \t]{0,8}(?:Reporting-MTA|Final-Recipient|Original-Recipient|Recipient address"
    r"|X-Actual-Recipient)[ \t]{0,8}:",
    re.IGNORECASE | re.MULTILINE,
)
_PER_MESSAGE = {"reporting-mta", "arrival-date", "received-from-mta", "original-envelope-id"}
_NAMES_RECIPIENT = ("final-recipient", "original-recipient", "x-actual-recipient")
_SPOKEN = {  # as Messaging Server tells people
    "recipient address": "final-recipient",
    "diagnostic code": "diagnostic-code",
    "remote system": "remote-mta",
}
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_LOCAL = re.compile(r"<?([\w.+=-]{1,64})>?")  # a mailbox of the reporting host itself
_WORD = re.compile(r"[A-Za-z][A-Za-z-]{0,30}")

DONE: Final = frozenset({"delivered", "deliverable", "relayed", "expanded"})


@dataclass(slots=True)
class Report:
    """The recipients of one report as dictionaries of lower-case field names, untyped values kept
    as they stand, and the fields of the message as a whole."""

    message: dict[str, str] = field(default_factory=dict)
    recipients: list[dict[str, str]] = field(default_factory=list)
    rest: str = ""

    @property
    def reporting_mta(self) -> str:
        return host_of(self.message, "reporting-mta")


def untyped(value: str) -> str:
    """Return a field's value without its type (``smtp;``, ``dns;``, ``rfc822;``)."""
    found = _TYPE.match(value)
    return value[found.end() :] if found else value.strip()


def host_of(block: dict[str, str], name: str) -> str:
    return clean_host(untyped(block.get(name, "")))


def starts_in(text: str) -> int:
    """Where a report begins inside running text, or -1."""
    found = _START.search(text)
    return found.start() if found else -1


def read_report(text: str) -> Report:
    """Read every block of ``text``; what follows a delimiter line is left in ``rest``."""
    report = Report()
    lines = text.split("\n", MAX_LINES)
    current: dict[str, str] = {}
    for n_line, name, value in _fields(lines):
        if not name:
            if value == "delimiter":
                report.rest = "\n".join(lines[n_line:])
                break
            _keep(report, current)
            current = {}
            continue
        if name == "final-recipient" and name in current:
            _keep(report, current)
            current = {}
        current.setdefault(name, value)
    _keep(report, current)
    return report


def _fields(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    """Yield (line, name, unfolded value); no name for a blank line and for a delimiter."""
    name, values, start = "", list[str](), 0
    room = 0  # so many characters more does the field take
    for n_line, line in enumerate(lines):
        if line[:1] in (" ", "\t") and name and line.strip():
            if room > 0:
                values.append(line.strip()[:MAX_VALUE])
                room -= len(line)
            continue
        found = _FIELD.match(line[:MAX_VALUE].strip())
        if name and values and not found and line.strip() and not line.startswith("--"):
            if room > 0:  # folded by a mailer that lost the blanks
                values.append(line.strip()[:MAX_VALUE])
                room -= len(line)
            continue
        if name:
            yield start, name, " ".join(values)[:MAX_VALUE]
            name, values = "", []
        if found:
            name, values, start = found[1].lower(), [found[2].strip()], n_line
            room = MAX_VALUE
        elif line.startswith("--") and len(line.strip()) > 4:
            yield n_line, "", "delimiter"
            return
        elif not line.strip():
            yield n_line, "", ""
    if name:
        yield start, name, " ".join(values)[:MAX_VALUE]


def _keep(report: Report, block: dict[str, str]) -> None:
    if not block:
        return
    for spoken, name in _SPOKEN.items():
        if spoken in block:
            block.setdefault(name, block[spoken])
    for name in _PER_MESSAGE & block.keys():
        report.message.setdefault(name, block[name])
    if not any(name in block for name in _NAMES_RECIPIENT):
        return
    if not any(name in block for name in ("action", "status", "diagnostic-code")):
        return
    if len(report.recipients) < MAX_RECIPIENTS:
        report.recipients.append(block)


def recipient_of(block: dict[str, str]) -> str:
    """The address that failed: the final one, else the first that is an address at all."""
    for name in _NAMES_RECIPIENT:
        if address := mailbox(untyped(block.get(name, ""))):
            return address
    local = _LOCAL.fullmatch(untyped(block.get("final-recipient", "")))
    return local[1] if local else ""


def status_of(block: dict[str, str]) -> str:
    found = _STATUS.search(block.get("status", ""))
    return found[0] if found else ""


def action_of(block: dict[str, str]) -> str:
    found = _WORD.search(block.get("action", ""))
    return found[0].lower() if found else ""
