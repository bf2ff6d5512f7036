"""Postern itself, as it runs in earnest: gunicorn and runjobs on the database of the tests."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.errands.models import QUICK
from tests.mta import blocks, receivers
from tests.mta.files import URL
from tests.mta.postfix import Postfix
from tests.mta.servers import Server

ROOT = Path(__file__).parents[2]
GUNICORN = [
    "-m", "gunicorn", "escalation.wsgi", "--bind", URL.removeprefix("http://"), "--workers", "2",
    "--threads", "4", "--worker-class", "gthread", "--no-control-socket", "--log-level", "warning",
]  # fmt: skip
LEASE = "12"  # seconds: longer than a sweep waits for the servers to take a new list
RUNJOBS = ["manage.py", "runjobs", "--stall", "5", "--grace", "5", "--late", "3"]


class Web(Server):
    """The web server."""

    def __init__(self, room: Path, environ: dict[str, str]) -> None:
        environ = {**environ, "POSTERN_ROLE": "web"}
        super().__init__("web", [sys.executable, *GUNICORN], room=room, environ=environ)

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{URL}/healthz/", timeout=5).close()
        except urllib.error.HTTPError:
            return True  # it says that something is amiss
        except OSError:
            return False
        return True


class Jobs(Server):
    """The job runner; leases and pauses last seconds, not minutes."""

    def __init__(self, room: Path, environ: dict[str, str]) -> None:
        environ = {**environ, QUICK: LEASE, "POSTERN_ROLE": "worker"}
        super().__init__("jobs", [sys.executable, *RUNJOBS], room=room, environ=environ)

    def answers(self) -> bool:
        return bool(children(self.child.pid))


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def kill_a_child(server: Server) -> None:
    """Kill one process under a server, which must see to it that another comes."""
    for pid in children(server.child.pid)[:1]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Units:
    """The systemd path unit of docs/operate/postfix.md: reloads Postfix when a table changes."""

    def __init__(self, postfix: Postfix, feeds: Path) -> None:
        self.postfix, self.feeds = postfix, feeds
        self.watched = blocks.watched(blocks.block("postfix", "path", feeds=str(feeds)))
        self.seen = self._stamps()

    def _stamps(self) -> list[int]:
        return [path.stat().st_mtime_ns if path.exists() else 0 for path in self.watched]

    def look(self) -> None:
        if (now := self._stamps()) != self.seen:
            self.seen = now
            with suppress(subprocess.CalledProcessError):  # the canary says no: the next may do
                receivers.reload(self.postfix, self.feeds)
