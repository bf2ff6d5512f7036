"""Reports in X-ARF: version 0.2 (YAML lines), 3 and 4 (JSON), as far as mail is concerned."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from abuse.fields import address, envelope, fields_of
from mailroom.originals import clean

LONGEST: Final = 256 * 1024  # characters of a JSON part
ABOUT_MAIL: Final = frozenset({"spam", "messaging", "mail", "email", "phishing"})


@dataclass(frozen=True, slots=True)
class Xarf:
    """What such a report says; ``is_about_mail`` is false for a scan or a malware URL."""

    is_about_mail: bool
    kind: str
    source_address: str
    date: str
    mail_from: str = ""
    message_id: str = ""


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
    if "xarf_version" in data:  # version 4
        kind, category = _text(data, "type"), _text(data, "category")
        return Xarf(
            is_about_mail=category.lower() == "messaging",
            kind=kind,
            source_address=address(_text(data, "source_identifier")),
            date=_text(data, "timestamp"),
            mail_from=envelope(_text(data, "smtp_from")),
            message_id=_text(data, "message_id").strip("<> "),
        )
    report = data.get("Report")
    if not isinstance(report, dict):
        return None
    source = report.get("Source")
    where = source if isinstance(source, dict) else {}
    more = report.get("AdditionalInfo")
    kind = _text(report, "ReportType") or _text(report, "ReportClass")
    return Xarf(
        is_about_mail=kind.lower() in ABOUT_MAIL,
        kind=kind,
        source_address=address(_text(where, "IP") or _text(report, "SourceIp")),
        date=_text(report, "Date"),
        mail_from=envelope(
            _text(report, "SmtpMailFromAddress")
            or _text(more if isinstance(more, dict) else {}, "SmtpMailFromAddress")
        ),
    )


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return clean(value) if isinstance(value, str) else ""


def in_lines(texts: Iterable[str]) -> Xarf | None:
    """A report of version 0.2: ``Name: value`` lines in a part of its own."""
    for text in texts:
        fields = fields_of(text)
        if "source" not in fields or not {"report-type", "category"} & set(fields):
            continue
        kind = _one(fields, "report-type")
        return Xarf(
            is_about_mail=kind.lower() in ABOUT_MAIL or "mail" in kind.lower(),
            kind=kind,
            source_address=address(_one(fields, "source")),
            date=_one(fields, "date"),
        )
    return None


def _one(fields: dict[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[0].strip("\"' ")
