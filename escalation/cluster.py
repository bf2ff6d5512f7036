"""The worker processes: how a cluster starts, and how it looks from outside.

``python -m escalation.cluster`` is the process that ``manage.py runjobs``
keeps alive.  Nobody starts it, or django-q2's own ``qcluster``, by hand: its
processes would outlive one another, and nothing would notice a cluster that
stands still (``escalation.watchdog``).
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


def heartbeats(host: str = "") -> list[Any]:
    """The fresh heartbeats of the clusters on ``host``, this machine by default."""
    here, since = host or socket.gethostname(), timezone.now() - FRESH
    return [stat for stat in Stat.get_all() if stat.host == here and stat.timestamp > since]


def work_in_hand(main_pid: int) -> int | None:
    """Tasks that the cluster of that process has read and not finished; None: no heartbeat."""
    for stat in heartbeats():
        if stat.pid == main_pid:
            return int(stat.task_q_size + stat.done_q_size)
    return None


def stuck_messages(older_than: timedelta) -> int:
    """How many messages have stood in the queue for longer than that, taken or not."""
    since = timezone.now() - older_than
    return sum(1 for message in OrmQ.objects.all()[:500] if message.task()["started"] < since)


def _touch(**signal_arguments: Any) -> None:
    Path(os.environ[PROGRESS]).touch()


def main() -> None:
    # Whatever this process forks, and what that forks, dies with its parent:
    # no worker goes on with old code when the guard above it has been killed.
    os.register_at_fork(after_in_child=lambda: die_with_parent(signal.SIGKILL))
    if PROGRESS in os.environ:
        post_execute_in_worker.connect(_touch)
        post_execute.connect(_touch)
    Cluster().start()


if __name__ == "__main__":
    main()
