"""Say what bounces and SMTP replies in files mean: ``manage.py diagnose [--json] PATH…``."""

import json
from dataclasses import asdict

from mailroom.dsn import Diagnosis, read
from mailroom.guards import MAX_BYTES
from mailroom.lists import by_name
from mailroom.management.reading import ReadingCommand

SHOWN = (
    ("recipient", "Recipient"),
    ("action", "Action"),
    ("smtp_code", "SMTP code"),
    ("status", "Status"),
    ("blocked_address", "Blocked address"),
    ("block_kind", "Kind of block"),
    ("remote_mta", "Refused by"),
    ("reporting_mta", "Reported by"),
    ("diagnostic", "Words"),
)


class Command(ReadingCommand):
    help = "Read bounce messages and SMTP replies, and say who failed and which address is blocked."
    max_bytes = MAX_BYTES

    def as_line(self, path: str, raw: bytes) -> str:
        diagnosis = read(raw)
        answer = {
            "file": path,
            "kind": diagnosis.kind,
            "results": [asdict(failure) for failure in diagnosis.results],
            "error": diagnosis.error,
        }
        return json.dumps(answer)

    def as_text(self, path: str, raw: bytes) -> str:
        return in_words(path, read(raw))


def in_words(path: str, diagnosis: Diagnosis) -> str:
    lines = [f"{path}: {diagnosis.kind}" + (f" ({diagnosis.error})" if diagnosis.error else "")]
    for failure in diagnosis.results:
        values = asdict(failure)
        lines += [f"  {title + ':':17}{values[name]}" for name, title in SHOWN if values[name]]
        lines.append("")
    if diagnosis.list_named:
        row = by_name(diagnosis.list_named)
        page = f", {row.page}" if row and row.page else ""
        lines.append(f"  {'List:':17}{diagnosis.list_named}{page}")
    return "\n".join(lines).rstrip() + "\n"
