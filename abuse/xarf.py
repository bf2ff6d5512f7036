"""Reports in X-ARF: version 0.2 (YAML lines), 3 and 4 (JSON), as far as mail is concerned.

Nothing is required that a report can do without; what is not named here is not read.
"""

import json
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from abuse.fields import address, envelope, fields_of
from mailroom.originals import clean
from mailroom.sections import ORIGINAL_CHARS, decode

LONGEST: Final = 256 * 1024  # characters of a JSON part
MOST_BRACKETS: Final = 100_000  # objects and lists of a document, which cost memory
MOST_EVIDENCE: Final = 50  # items of one report that are looked at
MAX_EVIDENCE: Final = 5 * 1024 * 1024  # octets of one of them
LONGEST_ID: Final = 250  # characters of a report's name for itself
ABOUT_MAIL: Final = frozenset({"spam", "messaging", "mail", "email"})
FRAUD: Final = frozenset({"phishing", "fraud", "scam"})

_MAIL_TYPES: Final = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"}
)


@dataclass(frozen=True, slots=True)
class Xarf:
    """What such a report says; ``is_about_mail`` is false for a scan or a malware URL.

    ``evidence`` holds the octets of the reported message, where it is enclosed in the document.
    """

    is_about_mail: bool
    kind: str
    source_address: str
    date: str
    mail_from: str = ""
    rcpt_to: str = ""
    message_id: str = ""
    report_id: str = ""
    evidence: bytes = b""

    @property
    def feedback_type(self) -> str:
        """The name that RFC 5965 has for it."""
        if not self.is_about_mail:
            return ""
        return "fraud" if self.kind.lower() in FRAUD else "abuse"


def in_document(raw: bytes) -> Xarf | None:
    """The report in a JSON document, None if it is another document.

    Raises ``ValueError`` where it is no JSON, ``RecursionError`` where it is nested too deeply.
    """
    data = json.loads(raw)
    return _from(data) if isinstance(data, dict) else None


def in_json(texts: Iterable[str]) -> Xarf | None:
    """The first report among JSON texts, None if there is none; never raises."""
    for text in texts:
        if len(text) > LONGEST or "{" not in text:
            continue
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict) and (found := _from(data)) is not None:
            return found
    return None


def _from(data: dict[str, Any]) -> Xarf | None:
    if "xarf_version" in data:
        return _version_4(data)
    report = data.get("Report")
    return _version_3(data, report) if isinstance(report, dict) else None


def _version_4(data: dict[str, Any]) -> Xarf:
    return Xarf(
        is_about_mail=(_text(data, "category") or _text(data, "class")).lower() == "messaging",
        kind=_text(data, "type"),
        source_address=address(_text(data, "source_identifier")),
        date=_text(data, "timestamp"),
        mail_from=envelope(_text(data, "smtp_from")),
        rcpt_to=envelope(_text(data, "smtp_to")),
        message_id=_text(data, "message_id").strip("<> "),
        report_id=_text(data, "report_id")[:LONGEST_ID],
        evidence=_mail_in(data.get("evidence")),
    )


def _version_3(data: dict[str, Any], report: dict[str, Any]) -> Xarf:
    """Version 3, and its older form, whose fields all stand beside each other."""
    where, more = _object(report, "Source"), _object(report, "AdditionalInfo")
    kind = _text(report, "ReportType") or _text(report, "ReportClass")
    mail_from = envelope(
        _text(report, "SmtpMailFromAddress")
        or _text(more, "SmtpMailFromAddress")
        or _text(more, "SMTPFrom")
    )
    evidence = _mail_in(report.get("Attachment")) or _mail_in(report.get("Samples"))
    return Xarf(
        is_about_mail=_is_about_mail(kind, has_mail=bool(mail_from or evidence)),
        kind=kind,
        source_address=address(_text(where, "IP") or _text(report, "SourceIp")),
        date=_text(report, "Date"),
        mail_from=mail_from,
        rcpt_to=envelope(_text(report, "SmtpRcptToAddress")),
        report_id=(_text(report, "ReportID") or _text(data, "ReportID"))[:LONGEST_ID],
        evidence=evidence,
    )


def _is_about_mail(kind: str, *, has_mail: bool) -> bool:
    """Phishing is a page in the web, unless the report holds a mail or names its sender."""
    return kind.lower() in ABOUT_MAIL or (kind.lower() in FRAUD and has_mail)


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return clean(value) if isinstance(value, str) else ""


def _object(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


# -- What is enclosed ---------------------------------------------------------------


def _mail_in(items: object) -> bytes:
    """The octets of the first mail among the items of evidence, b"" if there is none."""
    for item in items[:MOST_EVIDENCE] if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        named = _text(item, "content_type") or _text(item, "ContentType")
        kind = named.partition(";")[0].strip().lower()
        if kind in _MAIL_TYPES or kind == "text/plain":
            octets = _payload(item)
            if octets and (kind in _MAIL_TYPES or _begins_as_mail(octets)):
                return octets
    return b""


def _payload(item: dict[str, Any]) -> bytes:
    """The octets of one item; b"" where they are not what they should be."""
    value = next((item[name] for name in ("payload", "Payload", "Data") if item.get(name)), "")
    if not isinstance(value, str) or len(value) > 2 * MAX_EVIDENCE:
        return b""
    if item.get("Base64Encoded") is False:
        octets = value.encode("utf-8", "replace")
    else:
        try:
            octets = b64decode("".join(value.split()), validate=True)
        except ValueError:
            return b""
    return octets if len(octets) <= MAX_EVIDENCE else b""


def _begins_as_mail(octets: bytes) -> bool:
    text = decode(octets[:ORIGINAL_CHARS], "").replace("\r\n", "\n").lstrip("\n")
    names = set(fields_of(text.partition("\n\n")[0]))
    return "from" in names and bool(names & {"received", "date"})


# -- Version 0.2 --------------------------------------------------------------------


def in_lines(texts: Iterable[str], *, has_mail: bool = False) -> Xarf | None:
    """A report of version 0.2: ``Name: value`` lines in a part of its own.

    ``has_mail``: a message is enclosed beside it.
    """
    for text in texts:
        fields = fields_of(text)
        if "source" not in fields or not {"report-type", "category"} & set(fields):
            continue
        kind = _one(fields, "report-type")
        return Xarf(
            is_about_mail=_is_about_mail(kind, has_mail=has_mail) or "mail" in kind.lower(),
            kind=kind,
            source_address=address(_one(fields, "source")),
            date=_one(fields, "date"),
            report_id=_one(fields, "report-id")[:LONGEST_ID],
        )
    return None


def _one(fields: dict[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[0].strip("\"' ")
