"""Keeps the background work going: starts the cluster, watches it, starts it again.

A cluster of django-q2 can stand still while its heartbeat stays fresh: a
worker killed while idle takes the queue's lock with it; one malformed
schedule stops them all.  So this watches *progress*, not life: work in hand
without a finished task, and sweeps that have not come round.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from escalation import cluster, companion, database, queue, supervisor

log = logging.getLogger(__name__)

LOOK = 0.5  # seconds between two looks
PATIENCE = 3.0  # seconds between two tries at a database that does not answer
BOOT = 30.0  # seconds that the first heartbeat may take on a busy machine
LONGEST_PAUSE = 30.0  # seconds before a cluster that dies at once is started again
HEALTHY = 60.0  # seconds of life after which a death is not counted with those before
LATE_LOOKS = 6  # looks at the sweeps in the time after which one is late
FLOOD = 100  # messages in the queue beyond which no more nudges are added


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, each."""

    stall: float  # without a finished task while work is in hand: the cluster is killed
    grace: float  # from SIGTERM to SIGKILL; below systemd's TimeoutStopSec
    late: float  # without a sweep of a kind: it is asked for once more


class Watchdog:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.stopping = False
        self.child: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.deaths = 0
        self.busy_since: float | None = None
        self.seen = 0.0
        self.ask_at = 0.0
        self.asked: dict[str, float] = {}
        self.companions = companion.wanted()
        self.progress = Path(settings.POSTERN_VAR) / f"runjobs-{os.getpid()}.progress"

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; then let the running tasks end, within the grace."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            while not self.stopping:
                self.step()
                time.sleep(LOOK)
        finally:
            self.end()

    def step(self) -> None:
        """Look once, and do what is needed."""
        try:
            if self.child is None:
                if reason := database.trouble():
                    log.warning("waiting for the database: %s", reason)
                    self.pause(PATIENCE)
                    return
                self.start()
            elif why := self.trouble(self.child):
                log.error("%s; starting the cluster again", why)
                self.kill(self.child)
            for one in self.companions:
                one.step()
            self.ask_for_late_sweeps()
        except DatabaseError as error:
            log.warning("the database does not answer: %s", error)
            connection.close()
            self.pause(PATIENCE)

    def start(self) -> None:
        self.progress.touch()
        environ = {
            **os.environ,
            "POSTERN_ROLE": "worker",
            cluster.PROGRESS: str(self.progress),
        }
        # The cluster is killed, not asked, if we die: nobody would watch it.
        self.child = supervisor.start(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "cluster"],
            environ=environ,
            if_we_die=signal.SIGKILL,
        )
        self.started, self.seen = time.time(), 0.0
        self.busy_since = None
        self.ask_at = 0.0
        self.asked.clear()

    def trouble(self, child: "subprocess.Popen[bytes]") -> str:
        """What is wrong with the cluster, or ""."""
        if (code := child.poll()) is not None:
            return f"the cluster ended with code {code}"
        now, work = time.time(), cluster.work_in_hand(child.pid)
        if work is None:
            silent = now - (self.seen or self.started)
            patience = self.limits.stall if self.seen else max(self.limits.stall, BOOT)
            return f"no heartbeat for {silent:.0f} s" if silent > patience else ""
        self.seen = now
        if not work:
            self.busy_since = None
            return ""
        self.busy_since = self.busy_since or now
        idle = now - max(self.busy_since, self.progress.stat().st_mtime)
        if idle > self.limits.stall:
            return f"{work} tasks in hand and none done for {idle:.0f} s"
        return ""

    def kill(self, child: "subprocess.Popen[bytes]") -> None:
        """End the whole cluster at once, and pause if it has not lived long."""
        supervisor.kill_group(child)
        self.child = None
        self.deaths = self.deaths + 1 if time.time() - self.started < HEALTHY else 0
        self.pause(min(2.0 ** max(0, self.deaths - 3), LONGEST_PAUSE) - 1)

    def pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.stopping:
            time.sleep(LOOK)

    def ask_for_late_sweeps(self) -> None:
        """Nudge the kinds that the schedules have forgotten; all of them after a start."""
        now = time.monotonic()
        if now < self.ask_at or queue.waiting() >= FLOOD:
            return
        self.ask_at = now + self.limits.late / LATE_LOOKS
        for kind in settings.SWEEPS:
            asked = self.asked.get(kind)
            if asked is None or (now - asked >= self.limits.late and self.is_late(kind)):
                self.asked[kind] = now
                queue.nudge(kind)

    def is_late(self, kind: str) -> bool:
        seen = queue.sweep_seen(kind)
        return seen is None or timezone.now() - seen > timedelta(seconds=self.limits.late)

    def end(self) -> None:
        companion.stop(self.companions, self.limits.grace)
        if self.child is not None:
            supervisor.stop([self.child], self.limits.grace)
        self.progress.unlink(missing_ok=True)

    def _stop(self, *signal_arguments: object) -> None:
        self.stopping = True
