import contextlib
import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from escalation import catalogue

NOT_OURS = [".*", "var", "build", "tests", "docs", "bench"]
# It would change with every gathering, and nobody reads it.
GATHERED_ON = re.compile(r'^"POT-Creation-Date:.*\n', re.MULTILINE)


class Command(BaseCommand):
    help = (
        "Compiles the translations, without gettext; --check says what is missing or stale, "
        "--gather first writes the texts of the code into the catalogues, with gettext."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        modes = parser.add_mutually_exclusive_group()
        modes.add_argument("--check", action="store_true", help="Write nothing; fail if not so.")
        modes.add_argument("--gather", action="store_true", help="Collect new texts first.")

    def handle(self, *, check: bool, gather: bool, **options: Any) -> None:
        if gather:
            self.gather()
        wrong: list[str] = []
        for folder in settings.LOCALE_PATHS:
            for path in catalogue.catalogues(Path(folder)):
                wrong += self.one(path, check=check)
        for line in wrong:
            self.stderr.write(line)
        if wrong and check:
            raise CommandError("The translations are not complete (CONTRIBUTING.md says how).")

    def gather(self) -> None:
        """Bring the catalogues up to the code, so that a second time changes nothing."""
        languages = [code for code, _name in settings.LANGUAGES if code != "en"]
        with contextlib.chdir(settings.BASE_DIR):
            call_command(
                "makemessages", locale=languages, ignore_patterns=NOT_OURS, no_obsolete=True,
                no_wrap=True, add_location="file", verbosity=0,
            )  # fmt: skip
        for folder in settings.LOCALE_PATHS:
            for path in catalogue.catalogues(Path(folder)):
                path.write_text(GATHERED_ON.sub("", path.read_text()))

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
