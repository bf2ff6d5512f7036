"""Whether the database is there, and whether it is the one this code needs."""

import time

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

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


def missing_migrations() -> list[str]:
    """Migrations of this code that the database has not seen, as ``app.name``."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
