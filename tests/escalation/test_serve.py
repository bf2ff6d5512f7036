"""``make run`` as a person has it: one process in the foreground."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from escalation import serve

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.kill


class Service:
    """The whole service, its folder, and what it has said."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if name not in {"SECRET_KEY", "DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
        } | {"POSTERN_VAR": str(folder), "POSTERN_DEMO": "yes", **environ}
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "escalation.serve"],
                cwd=ROOT, env=self.environ, stdout=log, stderr=log,
            )  # fmt: skip

    def said(self, words: str, seconds: float = 60) -> bool:
        end = time.monotonic() + seconds
        while words not in self.log.read_text() and time.monotonic() < end:
            if self.child.poll() is not None:
                break
            time.sleep(0.1)
        return words in self.log.read_text()

    @property
    def url(self) -> str:
        return self.log.read_text().split("Postern is open at ")[1].split()[0]

    def health(self, path: str) -> dict[str, Any]:
        try:
            answer = urllib.request.urlopen(f"{self.url}{path}", timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        with contextlib.closing(answer):
            read: dict[str, Any] = json.load(answer)
            return read

    def processes(self) -> dict[int, str]:
        """Everything that runs with our folder, by process id."""
        found, ours = {}, f"POSTERN_VAR={self.folder}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if command and ours in (process / "environ").read_bytes().split(b"\0"):
                    found[int(process.name)] = command
        return found

    def pid_of(self, words: str) -> int:
        return min(pid for pid, command in self.processes().items() if words in command)

    def end(self, how: signal.Signals) -> int:
        self.child.send_signal(how)
        return self.child.wait(30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    service = Service(folder)
    yield service
    if service.child.poll() is None:
        service.end(signal.SIGTERM)
    assert service.processes() == {}


def test_the_demo_opens_says_where_and_ends_without_a_trace(service: Service) -> None:
    assert service.said("Postern is open at http://127.0.0.1:"), service.log.read_text()
    assert service.health("/healthz/")["state"] == "ok"
    running = " ".join(service.processes().values())
    assert all(part in running for part in ("gunicorn", "runjobs", "fake_registry"))

    assert service.end(signal.SIGINT) == 0
    assert service.log.read_text().endswith("Stopping.\n")


def test_a_part_that_dies_is_started_again_and_said_so(service: Service) -> None:
    assert service.said("Postern is open at"), service.log.read_text()
    os.kill(service.pid_of("gunicorn"), signal.SIGKILL)

    assert service.said("The web server ended (SIGKILL); starting it again.", 10)
    assert serve.answers(service.url, 30)


def test_nothing_is_left_when_the_service_itself_is_killed(service: Service) -> None:
    assert service.said("Postern is open at"), service.log.read_text()
    service.child.kill()
    service.child.wait()

    end = time.monotonic() + 15
    while service.processes() and time.monotonic() < end:
        time.sleep(0.2)
    assert service.processes() == {}


def test_outside_the_demo_it_refuses_to_start_without_a_key(tmp_path: Path) -> None:
    service = Service(tmp_path, POSTERN_DEMO="no")

    assert service.child.wait(30) == 1
    assert service.log.read_text().startswith("SECRET_KEY is not set.")
    assert "Traceback" not in service.log.read_text()


def test_a_port_that_is_taken_is_passed_over() -> None:
    with serve.listen("") as first, serve.listen("") as second:
        assert first.getsockname()[1] < second.getsockname()[1]


def test_a_port_that_was_asked_for_and_is_taken_stops_the_start_in_words() -> None:
    with serve.listen("") as taken:
        address = "{}:{}".format(*taken.getsockname())

        with pytest.raises(SystemExit, match="Nobody can listen at"):
            serve.listen(address)
