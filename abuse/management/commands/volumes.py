"""Bring in how much each tenant sent: ``manage.py volumes FILE``."""

import sys
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from abuse.volumes import BadLine, bring_in

SHOWN: Final = 50  # bad lines that are told one by one


class Command(BaseCommand):
    help = (
        "Keep how many messages each tenant sent on a day: lines of tenant-or-domain,day,messages. "
        "A day that is told again is replaced. Exits with 1 if a line was not kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="CSV in UTF-8; - is standard input.")

    def handle(self, *, file: str, **options: Any) -> None:
        try:
            if file == "-":
                told = bring_in(sys.stdin)
            else:
                with Path(file).open(encoding="utf-8", newline="") as lines:
                    told = bring_in(lines)
        except (OSError, UnicodeDecodeError, BadLine) as error:
            raise CommandError(f"Nothing was kept: {error}") from error
        for number, why in told.bad[:SHOWN]:
            self.stderr.write(f"line {number}: {why}")
        if len(told.bad) > SHOWN:
            self.stderr.write(f"and {len(told.bad) - SHOWN} more")
        self.stdout.write(f"{told.kept} days kept, {len(told.bad)} lines not.")
        if told.bad:
            sys.exit(1)
