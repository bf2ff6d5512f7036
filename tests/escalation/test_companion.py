"""What runs beside the job runner: started, started again, ended."""

import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from pytest_django import Settings

from escalation import companion
from mailroom.models import Received
from tests.jobs.test_kills import alive, database_url, eventually, parent_of

MAIL = b"Subject: junk\r\n\r\nx\r\n"


def test_nothing_runs_beside_it_where_no_mail_is_taken(settings: Settings) -> None:
    settings.POSTERN_RECEIVE = ""
    assert companion.wanted() == []


def test_a_command_that_dies_at_once_is_started_again_after_longer_and_longer_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    one = companion.Companion("no-such-command")
    pauses: list[float] = []
    for _death in range(8):
        one.step()
        assert one.child is not None
        one.child.wait(30)
        one.step()
        assert one.child is None
        pauses.append(one.not_before - now)
        now = one.not_before
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


class Runner:
    """A ``runjobs`` that takes mail."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        environ = {
            **os.environ, "DATABASE_URL": database_url(),
            "POSTERN_RECEIVE": f"127.0.0.1:{self.port}",
        }  # fmt: skip
        self.child = subprocess.Popen(
            [sys.executable, "manage.py", "runjobs", "--grace", "5"], env=environ
        )

    def greets(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as line:
            return line.recv(3) == b"220"
        return False

    def receiver(self) -> int:
        """The process that takes mail, 0 if there is none."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.child.pid), "-f", "manage.py receive"],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        return int(found.stdout.split()[0]) if found.stdout else 0


@pytest.fixture
def runner(transactional_db: None) -> Iterator[Runner]:
    runner = Runner()
    yield runner
    if runner.child.poll() is None:
        runner.child.kill()
    runner.child.wait()


@pytest.mark.kill
def test_the_job_runner_takes_mail_and_does_so_again_when_that_process_was_killed(
    runner: Runner,
) -> None:
    assert eventually(runner.greets)
    first = runner.receiver()
    assert parent_of(first) == runner.child.pid
    os.kill(first, signal.SIGKILL)

    assert eventually(lambda: runner.receiver() not in {0, first} and runner.greets())
    with smtplib.LMTP("127.0.0.1", runner.port) as client:
        client.sendmail("pat@far.example", ["junk@mail.example"], MAIL)
    assert Received.objects.count() == 1


@pytest.mark.kill
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_receiver_outlives_its_job_runner(runner: Runner, how: signal.Signals) -> None:
    assert eventually(runner.greets)
    receiver = runner.receiver()
    runner.child.send_signal(how)

    assert runner.child.wait(30) == (0 if how == signal.SIGTERM else -how)
    assert eventually(lambda: not alive(receiver), 5)
