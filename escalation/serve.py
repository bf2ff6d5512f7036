"""The whole service in one foreground process: ``make run``.

Prepares the installation (``manage.py prepare``), then keeps the web server,
the background jobs and, in demo mode, a made-up registry running until Ctrl-C
or SIGTERM.  In production the same parts can run on machines of their own:
docs/operate/install.md.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from escalation import supervisor
from escalation.environment import flag

ROOT = Path(__file__).resolve().parent.parent
GRACE = 20.0  # seconds for the parts to end by themselves
QUICK_DEATH = 10.0  # a part that dies within so many seconds of its start ...
QUICK_DEATHS = 3  # ... so many times in a row stops all


class Stopped(Exception):
    """Ctrl-C or SIGTERM."""


@dataclass
class Part:
    """One process of the service, and the words for it."""

    name: str
    command: list[str]
    role: str
    child: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    quick_deaths: int = 0

    def start(self, environ: dict[str, str]) -> None:
        self.started = time.monotonic()
        self.child = supervisor.start(self.command, environ={**environ, "POSTERN_ROLE": self.role})

    def died(self) -> int | None:
        """The exit code if the process is no more, and count deaths in a row."""
        code = self.child.poll() if self.child else None
        if code is not None:
            quick = time.monotonic() - self.started < QUICK_DEATH
            self.quick_deaths = self.quick_deaths + 1 if quick else 0
        return code


@dataclass
class Service:
    environ: dict[str, str]
    parts: list[Part] = field(default_factory=list)

    def add(self, part: Part) -> None:
        self.parts.append(part)
        part.start(self.environ)

    def watch(self) -> None:
        """Start again what dies; raise ``SystemExit`` if something will not stay up."""
        while True:
            for part in self.parts:
                if (code := part.died()) is None:
                    continue
                how = signal.Signals(-code).name if code < 0 else f"code {code}"
                if part.quick_deaths >= QUICK_DEATHS:
                    raise SystemExit(f"The {part.name} will not stay up ({how}): stopping.")
                say(f"The {part.name} ended ({how}); starting it again.")
                if part.child:
                    supervisor.kill_group(part.child)  # what it left behind holds its port
                part.start(self.environ)
            time.sleep(0.5)

    def stop(self) -> None:
        supervisor.stop((part.child for part in self.parts if part.child), GRACE)


def say(words: str) -> None:
    print(words, flush=True)


def free_port(first: int) -> int:
    """The first port from ``first`` on that nobody on this machine listens at."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit(f"No free port from {first} to {first + 99}.")


def web_server(bind: str) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "escalation.wsgi"),
        *("--bind", bind, "--worker-class", "gthread", "--workers", "2", "--threads", "4"),
        *("--no-control-socket", "--log-level", "warning"),
    ]  # fmt: skip


def answers(url: str, seconds: float) -> bool:
    """Whether the web server answers within ``seconds``, be it only with an error."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{url}/healthz/", timeout=5).close()  # noqa: S310 -- http
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False


def main() -> None:
    os.chdir(ROOT)
    demo = flag("POSTERN_DEMO", False, "")
    bind = os.environ.get("POSTERN_BIND") or f"127.0.0.1:{free_port(8000)}"
    here = f"http://{bind}"
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environ.setdefault("POSTERN_URL", here)
    service = Service(environ)
    if demo:
        registry = free_port(8430)
        environ.setdefault("POSTERN_RDAP_BASE", f"http://127.0.0.1:{registry}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        if demo:
            fake = [sys.executable, "-m", "ownership.fake_registry", "--port", str(registry)]
            service.add(Part("demo registry", fake, "manage"))
        prepare = [sys.executable, "manage.py", "prepare"]
        if code := supervisor.start(prepare, environ=environ).wait():
            raise SystemExit(code)
        service.add(Part("web server", web_server(bind), "web"))
        service.add(Part("job runner", [sys.executable, "manage.py", "runjobs"], "worker"))
        if not answers(here, 30):
            raise SystemExit(f"The web server does not answer at {here}.")
        welcome(environ["POSTERN_URL"], demo)
        service.watch()
    except Stopped:
        say("\nStopping.")
    finally:
        service.stop()


def welcome(url: str, demo: bool) -> None:
    say(f"\nPostern is open at {url}    (Ctrl-C stops it)")
    letter = ROOT / os.environ.get("POSTERN_VAR", "var") / "welcome.txt"
    if demo and letter.exists():
        say("\n" + letter.read_text().rstrip())


def _stop(number: int, frame: FrameType | None) -> None:
    for again in (signal.SIGTERM, signal.SIGINT):
        signal.signal(again, signal.SIG_IGN)
    raise Stopped


if __name__ == "__main__":
    main()
