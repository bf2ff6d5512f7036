"""Whether the database is there, and whether it is the one this code needs."""

import time
from functools import cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

PAUSE = 0.5  # seconds between two knocks


def trouble() -> str:
    """Why the database does not answer, or "" when it does."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        connection.close()
        return str(error).strip()
    return ""


def wait(seconds: float) -> str:
    """Knock until the database answers; after ``seconds`` return why it does not."""
    end = time.monotonic() + seconds
    while (reason := trouble()) and time.monotonic() < end:
        time.sleep(PAUSE)
    return reason


@cache
def _ours() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


def missing_migrations() -> list[str]:
    """Migrations of this code that the database has not seen, as ``app.name``."""
    seen = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in _ours() - set(seen))
