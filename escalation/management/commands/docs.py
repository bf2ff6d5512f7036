from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from escalation import documents


class Command(BaseCommand):
    help = "Writes docs/settings.md and docs/lifecycle.md; --check says whether they are true."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail if not so.")

    def handle(self, *, check: bool, **options: Any) -> None:
        stale = documents.stale(settings.BASE_DIR)
        if check and stale:
            raise CommandError(f"Not what the code says: {', '.join(stale)}. Run manage.py docs.")
        for path, content in documents.documents().items():
            if path in stale:
                (settings.BASE_DIR / path).write_text(content)
                self.stdout.write(f"{path} written")
