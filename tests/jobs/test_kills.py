"""The background work while its processes are killed: nothing lost, nothing twice.

A real ``runjobs`` works on the database of the tests, with leases and pauses
of seconds instead of minutes.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import OrmQ

from escalation import cluster, queue
from tests.errands.models import QUICK, Effect, Errand

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]

PATIENCE = 90.0  # seconds until everything must be done
RUNJOBS = ["manage.py", "runjobs", "--stall", "3", "--grace", "5", "--late", "2"]


def database_url() -> str:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return os.environ["DATABASE_URL"].replace("/postern?", f"/{name}?")


class Runner:
    """A ``runjobs`` that can be killed and started again."""

    def __init__(self) -> None:
        self.starts = 0
        self.start()

    def start(self) -> None:
        environ = {**os.environ, QUICK: "3", "DATABASE_URL": database_url()}
        self.child = subprocess.Popen([sys.executable, *RUNJOBS], env=environ)
        self.starts += 1

    def cluster(self) -> Any:
        """The heartbeat of our cluster, once it has workers."""
        for stat in cluster.heartbeats():
            if parent_of(stat.pid) == self.child.pid and stat.workers:
                return stat
        return None

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()

    def stop(self) -> None:
        self.child.terminate()
        self.child.wait(20)


def parent_of(pid: int) -> int:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])
    return 0


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(what: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


@pytest.fixture
def runner() -> Iterator[Runner]:
    queue.sync_schedules()
    runner = Runner()
    yield runner
    runner.stop()
    assert not left_over()


def left_over() -> list[int]:
    """Processes of clusters that our runners started, and of no others on this machine."""
    ours, found = f"POSTERN_VAR={settings.POSTERN_VAR}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            cluster_ = b"manage.py\0cluster" in (folder / "cmdline").read_bytes()
            if cluster_ and ours in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def owe(n: int, manner: str = Errand.Manner.PLAIN) -> None:
    Errand.objects.bulk_create(Errand(due_at=timezone.now(), manner=manner) for _ in range(n))


def unfinished() -> int:
    return Errand.objects.filter(due_at__isnull=False, parked_at=None).count()


def wait_for_effects(n: int) -> None:
    eventually(lambda: Effect.objects.count() >= n, 8)


def assert_done_once(n: int) -> None:
    assert eventually(lambda: not unfinished()), f"{unfinished()} of {n} not done"
    assert Effect.objects.count() == n
    assert Effect.objects.values("errand").distinct().count() == n


def test_nothing_is_lost_or_done_twice_while_the_whole_tree_is_killed_again_and_again(
    runner: Runner,
) -> None:
    owe(200)
    queue.nudge("errands")
    kills = 0
    while unfinished() and kills < 8:
        wait_for_effects(Effect.objects.count() + 1)
        if kills % 3 == 2:
            runner.kill()
            runner.start()
        elif stat := runner.cluster():
            os.killpg(stat.pid, signal.SIGKILL)
        kills += 1

    assert_done_once(200)
    assert kills >= 5


def test_the_queue_drains_though_every_idle_worker_has_been_killed(runner: Runner) -> None:
    for n in range(2):
        stat = eventually(runner.cluster)
        for pid in stat.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        owe(10)
        queue.nudge("errands")

        assert_done_once(10 * (n + 1))


def test_all_is_still_done_when_the_queue_has_been_emptied(runner: Runner) -> None:
    eventually(runner.cluster)
    with transaction.atomic():
        owe(30)
        queue.nudge("errands")
        OrmQ.objects.all().delete()

    assert_done_once(30)


def test_rows_that_kill_their_worker_are_parked_and_the_others_done(runner: Runner) -> None:
    owe(1, Errand.Manner.KILLS)
    owe(1, Errand.Manner.FAILS)
    owe(20)
    queue.nudge("errands")

    assert eventually(lambda: not unfinished())
    assert Errand.objects.filter(parked_at__isnull=False).count() == 2
    assert Errand.objects.get(manner=Errand.Manner.FAILS).last_error.startswith("ValueError")
    assert Effect.objects.count() == 20


def test_no_process_outlives_a_job_runner_that_is_killed(runner: Runner) -> None:
    stat = eventually(runner.cluster)
    family = [stat.pid, stat.sentinel, stat.pusher, stat.monitor, *stat.workers]
    assert all(alive(pid) for pid in family)
    runner.kill()

    assert eventually(lambda: not any(alive(pid) for pid in family), 5)


def test_a_guard_that_is_killed_takes_its_workers_along_and_a_new_one_comes(
    runner: Runner,
) -> None:
    stat = eventually(runner.cluster)
    os.kill(stat.sentinel, signal.SIGKILL)

    assert eventually(lambda: not any(alive(pid) for pid in stat.workers), 5)
    assert eventually(lambda: (new := runner.cluster()) and new.pid != stat.pid)


def test_a_nudge_that_is_rolled_back_was_never_there() -> None:
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        owe(1)
        queue.nudge("errands")
        raise ZeroDivisionError
    assert (OrmQ.objects.count(), Errand.objects.count()) == (0, 0)

    with transaction.atomic():
        owe(1)
        queue.nudge("errands")
    assert (OrmQ.objects.count(), Errand.objects.count()) == (1, 1)
    assert settings.Q_CLUSTER["orm"] == "default"
