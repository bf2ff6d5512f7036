from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from escalation import catalogue


class Command(BaseCommand):
    help = "Compiles the translations, without gettext; --check says what is missing or stale."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail if not so.")

    def handle(self, *, check: bool, **options: Any) -> None:
        wrong: list[str] = []
        for folder in settings.LOCALE_PATHS:
            for path in catalogue.catalogues(Path(folder)):
                wrong += self.one(path, check=check)
        for line in wrong:
            self.stderr.write(line)
        if wrong and check:
            raise CommandError("The translations are not complete (CONTRIBUTING.md says how).")

    def one(self, path: Path, *, check: bool) -> list[str]:
        """Compile one file, or compare; return what is wrong with it."""
        messages = catalogue.read(path.read_text())
        name = path.relative_to(settings.BASE_DIR)
        wrong = [f"{name}: {problem}" for problem in catalogue.problems(messages)]
        target, content = path.with_suffix(".mo"), catalogue.compiled(messages)
        if not check:
            target.write_bytes(content)
        elif not target.exists() or target.read_bytes() != content:
            wrong.append(f"{name}: the .mo file is not made from it; run `manage.py translations`")
        return wrong
