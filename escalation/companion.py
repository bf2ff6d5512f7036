"""A command of ours that runs beside the job runner, and is started again whenever it dies."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Final

from django.conf import settings

from escalation import supervisor

log = logging.getLogger(__name__)

LONGEST_PAUSE: Final = 60.0  # seconds before one that dies at once is started again
HEALTHY: Final = 60.0  # seconds of life after which a death is not counted with those before


class Companion:
    """``manage.py NAME``; its owner looks at it every now and then, and ends it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.child: subprocess.Popen[bytes] | None = None
        self.started = 0.0  # on the monotonic clock, as the next two
        self.not_before = 0.0
        self.deaths = 0

    def step(self) -> None:
        """Start it if it does not run and its pause is over; returns at once."""
        now = time.monotonic()
        if self.child is not None and (code := self.child.poll()) is not None:
            supervisor.kill_group(self.child)
            self.child = None
            self.deaths = self.deaths + 1 if now - self.started < HEALTHY else 1
            pause = min(2.0 ** (self.deaths - 1), LONGEST_PAUSE)
            self.not_before = now + pause
            log.error("%s ended with code %s; started again in %.0f s", self.name, code, pause)
        if self.child is None and now >= self.not_before:
            self.started = now
            # It is killed, not asked, if we die: the next job runner needs its place.
            self.child = supervisor.start(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), self.name],
                if_we_die=signal.SIGKILL,
            )


def wanted() -> list[Companion]:
    """What the settings want beside the job runner."""
    return [Companion("receive")] if settings.POSTERN_RECEIVE else []


def stop(companions: Iterable[Companion], grace: float) -> None:
    """Ask all of them to end; after ``grace`` seconds kill what is left."""
    supervisor.stop([one.child for one in companions if one.child is not None], grace)
