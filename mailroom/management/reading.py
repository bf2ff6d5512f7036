"""What the commands that read mail from files have in common."""

import sys
from abc import ABC, abstractmethod
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class ReadingCommand(BaseCommand, ABC):
    """``PATH… [--json]``: each file is answered on a line for programs, or in words."""

    max_bytes: int
    requires_system_checks = []

    @abstractmethod
    def as_line(self, path: str, raw: bytes) -> str:
        """The answer as one JSON object."""

    @abstractmethod
    def as_text(self, path: str, raw: bytes) -> str:
        """The answer for a person."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help='a file, or "-" for stdin')
        parser.add_argument("--json", action="store_true", help="one JSON object per file and line")

    def handle(self, *args: Any, paths: list[str], json: bool, **options: Any) -> None:
        answer = self.as_line if json else self.as_text
        n_missing = 0
        for path in paths:
            try:
                raw = self.contents(path)
            except OSError as problem:
                n_missing += 1
                self.stderr.write(f"{path}: {problem.strerror or problem}")
                continue
            self.stdout.write(answer(path, raw))
        if n_missing:
            raise CommandError(f"Files that could not be opened: {n_missing}")

    def contents(self, path: str) -> bytes:
        """The bytes of a file or of standard input, one more than allowed at most."""
        if path == "-":
            return sys.stdin.buffer.read(self.max_bytes + 1)
        with Path(path).open("rb") as stream:
            return stream.read(self.max_bytes + 1)
