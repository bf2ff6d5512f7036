"""A server of the tests: a process that is started, killed, started again, and surely stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from tests.mta.network import with_files

PATIENCE = 30.0  # seconds for a server to come up, or for what it should do
Found = TypeVar("Found")


def eventually(ask: Callable[[], Found], seconds: float = PATIENCE, pause: float = 0.05) -> Found:
    """Ask until the answer is true; the last answer."""
    end = time.monotonic() + seconds
    while not (found := ask()) and time.monotonic() < end:
        time.sleep(pause)
    return found


class Server:
    """One foreground process with its log; a context manager that leaves nothing behind."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        room: Path,
        over: dict[str, Path] | None = None,
        environ: dict[str, str] | None = None,
    ) -> None:
        self.name, self.command, self.room = name, with_files(command, over or {}), room
        self.environ = {**os.environ, **(environ or {})}
        self.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
        self.log = room / f"{name}.log"
        self.child: subprocess.Popen[bytes] | None = None

    def answers(self) -> bool:
        """Whether it does its work; each kind of server knows how to tell."""
        raise NotImplementedError

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.command, stdout=log, stderr=log, start_new_session=True, env=self.environ
            )

    def wait(self) -> None:
        """Until it answers; raises ``AssertionError`` with its log."""
        end = time.monotonic() + PATIENCE
        while not self.answers():
            ended = self.child is None or self.child.poll() is not None
            if ended or time.monotonic() > end:
                how = "has ended" if ended else "does not answer"
                raise AssertionError(f"{self.name} {how}:\n{self.last_words()}")
            time.sleep(0.05)

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def kill(self) -> None:
        """At once, with all that it has started."""
        if self.child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
            self.child = None

    def stop(self, grace: float = 10.0) -> None:
        if self.child is not None:
            self.child.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.child.wait(grace)
            self.kill()

    def restart(self) -> None:
        self.kill()
        self.start()
        self.wait()

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()
