import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError

from escalation import checks, database

PATIENCE = 60.0  # seconds to wait for a database that is still starting


class Command(BaseCommand):
    help = (
        "Makes the installation ready to run this version: tables, caches, static files, "
        "schedules, and in demo mode the demo. Run it after every upgrade; twice does no harm."
    )

    requires_system_checks = [checks.POSTERN]  # the others read every page; runjobs runs them

    def handle(self, **options: Any) -> None:
        if reason := database.wait(PATIENCE):
            raise CommandError(f"The database does not answer: {reason}")
        if missing := database.missing_migrations():
            self.stdout.write(f"Preparing the database ({len(missing)} steps).")
            call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        call_command("sync_schedules")
        self.collect_static()
        welcome = settings.POSTERN_VAR / "welcome.txt"  # what `make run` says at the end
        welcome.unlink(missing_ok=True)
        if settings.POSTERN_DEMO and "demo" in get_commands():
            with welcome.open("w") as letter:
                call_command("demo", stdout=letter)

    def collect_static(self) -> None:
        """Collect the static files, unless exactly these have been collected before."""
        mark, now = settings.STATIC_ROOT / ".collected", fingerprint()
        if mark.exists() and mark.read_text() == now:
            return
        self.stdout.write("Collecting the static files.")
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        mark.write_text(now)


def fingerprint() -> str:
    digest = hashlib.sha256(django.__version__.encode())
    for line in sorted(_static_files()):
        digest.update(line.encode())
    return digest.hexdigest()


def _static_files() -> Iterator[str]:
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = Path(storage.path(path)).stat()
            yield f"{path} {found.st_size} {found.st_mtime_ns}\n"
