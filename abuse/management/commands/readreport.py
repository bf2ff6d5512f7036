"""Say what reports in files report: ``manage.py readreport [--json] PATH…``."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from abuse.reading import MAX_BYTES, Reading, read

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


class Command(BaseCommand):
    help = "Read abuse reports (ARF, JMRP, XARF, attached messages) as the intake does."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help='a file, or "-" for stdin')
        parser.add_argument("--json", action="store_true", help="one JSON object per file and line")

    def handle(self, *args: Any, paths: list[str], json: bool, **options: Any) -> None:
        n_missing = 0
        for path in paths:
            try:
                raw = contents(path)
            except OSError as problem:
                n_missing += 1
                self.stderr.write(f"{path}: {problem.strerror or problem}")
                continue
            reading = read(raw)
            self.stdout.write(as_line(path, reading) if json else as_text(path, reading))
        if n_missing:
            raise CommandError(f"Files that could not be opened: {n_missing}")


def contents(path: str) -> bytes:
    """The bytes of a file or of standard input, one more than allowed at most."""
    if path == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(path).open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def as_line(path: str, reading: Reading) -> str:
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


def as_text(path: str, reading: Reading) -> str:
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
