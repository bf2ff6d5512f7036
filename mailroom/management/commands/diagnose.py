"""Say what bounces and SMTP replies in files mean: ``manage.py diagnose [--json] PATH…``."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mailroom.dsn import Diagnosis, read
from mailroom.guards import MAX_BYTES
from mailroom.lists import by_name

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


class Command(BaseCommand):
    help = "Read bounce messages and SMTP replies, and say who failed and which address is blocked."
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
            diagnosis = read(raw)
            self.stdout.write(as_line(path, diagnosis) if json else as_text(path, diagnosis))
        if n_missing:
            raise CommandError(f"Files that could not be opened: {n_missing}")


def contents(path: str) -> bytes:
    """The bytes of a file or of standard input, one more than allowed at most."""
    if path == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with Path(path).open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def as_line(path: str, diagnosis: Diagnosis) -> str:
    answer = {
        "file": path,
        "kind": diagnosis.kind,
        "results": [asdict(failure) for failure in diagnosis.results],
        "error": diagnosis.error,
    }
    return json.dumps(answer)


def as_text(path: str, diagnosis: Diagnosis) -> str:
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
