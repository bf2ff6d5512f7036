"""Say what reports in files report: ``manage.py readreport [--json] PATH…``.

A file that begins as a JSON object is read as a bare XARF document, any other one as a mail.
"""

import json

from abuse.reading import MAX_BYTES, Reading, is_document, read, read_document
from mailroom.management.reading import ReadingCommand

SHOWN = (
    ("feedback_type", "Type"),
    ("source_address", "From address"),
    ("arrival_date", "Arrived"),
    ("original_mail_from", "Envelope sender"),
    ("original_rcpt_to", "Recipients"),
    ("reported_domain", "Domains"),
    ("reporting_mta", "Reported by"),
    ("auth_failure", "Failed check"),
)


class Command(ReadingCommand):
    help = "Read abuse reports (ARF, JMRP, XARF, attached messages) as the intake does."
    max_bytes = MAX_BYTES

    def as_line(self, path: str, raw: bytes) -> str:
        return in_json(path, read_file(raw))

    def as_text(self, path: str, raw: bytes) -> str:
        return in_words(path, read_file(raw))


def read_file(raw: bytes) -> Reading:
    return read_document(raw) if is_document(raw) else read(raw)


def in_json(path: str, reading: Reading) -> str:
    told = reading.feedback
    answer = {
        "file": path,
        "kind": reading.kind,
        "format": reading.format or None,
        "feedback_type": told.feedback_type,
        "source_address": told.source_address,
        "arrival_date": told.arrival_date,
        "original_mail_from": told.original_mail_from,
        "original_rcpt_to": list(told.original_rcpt_to),
        "reported_domain": list(told.reported_domain),
        "reporting_mta": told.reporting_mta,
        "auth_failure": told.auth_failure,
        "message_id": reading.message_id,
        "error": reading.error,
        "inline": reading.inline,
        "filed": reading.filed,
    }
    return json.dumps(answer)


def in_words(path: str, reading: Reading) -> str:
    what = reading.format or reading.error or reading.filed.replace("_", " ") or "no format"
    name = f"{reading.kind} ({'forwarded in its words' if reading.inline else what})"
    lines = [f"{path}: {name}"]
    for field, title in SHOWN:
        value = getattr(reading.feedback, field)
        shown = ", ".join(value) if isinstance(value, tuple) else value
        if shown:
            lines.append(f"  {title + ':':17}{shown}")
    if reading.message_id:
        lines.append(f"  {'Message:':17}{reading.message_id}")
    return "\n".join(lines) + "\n"
