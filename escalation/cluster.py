"""The worker processes: how a cluster starts, and how it looks from outside.

``manage.py cluster`` is the process that ``manage.py runjobs`` keeps alive.
Nobody starts it, or django-q2's own ``qcluster``, by hand: nothing would
notice a cluster that stands still (``escalation.watchdog``).
"""

import os
import signal
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone
from django_q.cluster import Cluster
from django_q.models import OrmQ
from django_q.signals import post_execute, post_execute_in_worker
from django_q.status import Stat

from escalation.supervisor import die_with_parent

PROGRESS = "POSTERN_PROGRESS"  # environment: the file that is touched after every task
FRESH = timedelta(seconds=5)  # a cluster writes its heartbeat every half second


def heartbeats() -> list[Any]:
    """The fresh heartbeats of all clusters, on every machine."""
    since = timezone.now() - FRESH
    return [stat for stat in Stat.get_all() if stat.timestamp > since]


def work_in_hand(main_pid: int) -> int | None:
    """Tasks that our cluster has read and not finished; None if it has no heartbeat.

    ``main_pid`` is the process that was started, on this machine.
    """
    for stat in heartbeats():
        if (stat.host, stat.pid) == (socket.gethostname(), main_pid):
            return int(stat.task_q_size + stat.done_q_size)
    return None


def untaken(longer_than: timedelta) -> int:
    """How many messages no cluster has taken for longer than that."""
    return int(OrmQ.objects.filter(lock__lt=timezone.now() - longer_than).count())


def _touch(**signal_arguments: Any) -> None:
    Path(os.environ[PROGRESS]).touch()


def work() -> None:
    """Be the cluster, until SIGTERM."""
    # Whatever this process forks, and what that forks, dies with its parent:
    # no worker goes on with old code when the guard above it has been killed.
    os.register_at_fork(after_in_child=lambda: die_with_parent(signal.SIGKILL))
    if PROGRESS in os.environ:
        post_execute_in_worker.connect(_touch)
        post_execute.connect(_touch)
    Cluster().start()
