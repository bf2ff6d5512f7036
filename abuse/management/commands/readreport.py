"""Say what reports in files report: ``manage.py readreport [--json] PATH…``."""

import json

from abuse.reading import MAX_BYTES, Reading, read
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
        return in_json(path, read(raw))

    def as_text(self, path: str, raw: bytes) -> str:
        return in_words(path, read(raw))


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
    }
    return json.dumps(answer)


def in_words(path: str, reading: Reading) -> str:
    name = f"{reading.kind} ({reading.format or reading.error or 'no format'})"
    lines = [f"{path}: {name}"]
    for field, title in SHOWN:
        value = getattr(reading.feedback, field)
        shown = ", ".join(value) if isinstance(value, tuple) else value
        if shown:
            lines.append(f"  {title + ':':17}{shown}")
    if reading.message_id:
        lines.append(f"  {'Message:':17}{reading.message_id}")
    return "\n".join(lines) + "\n"
