"""What must not be kept for ever is deleted here, once an hour, on one machine.

``settings.HOUSEKEEPING`` names the tasks: functions without arguments that
delete a bounded number of rows and return how many they deleted.
"""

import logging
from collections.abc import Callable
from importlib import import_module

from django.conf import settings
from django.core.cache import caches
from django.utils.module_loading import import_string

from escalation.owed import lasting

log = logging.getLogger(__name__)

EVERY = 3600  # seconds
TURN = "housekeeping:turn"


def sweep_housekeeping() -> int:
    """Do all tasks if their hour has come; return how many rows they deleted.

    A task that fails is logged, waits for the next hour, and stops no other.
    """
    with lasting("housekeeping"):
        if not caches["jobs"].add(TURN, 1, EVERY):
            return 0
        return sum(_do(path) for path in settings.HOUSEKEEPING)


def _do(path: str) -> int:
    try:
        task: Callable[[], int] = import_string(path)
        n_deleted = task()
    except Exception:  # one task must not stop the others
        log.exception("housekeeping failed: %s", path)
        return 0
    if n_deleted:
        log.info("housekeeping: %s: %d rows", path, n_deleted)
    return n_deleted


def forget_sessions() -> int:
    """Delete the sessions that have expired."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return 0
