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
FIRST_PORT = 8000
BACKLOG = 512  # connections that may wait to be served
RUNNING_DEMO = ROOT / "var" / "demo.env"
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
    hands_down: tuple[int, ...] = ()  # open sockets
    child: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    quick_deaths: int = 0

    def start(self, environ: dict[str, str]) -> None:
        self.started = time.monotonic()
        environ = {**environ, "POSTERN_ROLE": self.role}
        self.child = supervisor.start(self.command, environ=environ, hands_down=self.hands_down)

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
                    supervisor.kill_group(part.child)  # what it has left behind
                part.start(self.environ)
            time.sleep(0.5)

    def stop(self) -> None:
        supervisor.stop((part.child for part in self.parts if part.child), GRACE)


def say(words: str) -> None:
    print(words, flush=True)


def listen(bind: str) -> socket.socket:
    """Take ``address:port``, or the first free port of this machine from 8000 on.

    We hold the port and hand it down, so that nobody else takes it while the
    installation is prepared or the web server is started again.
    """
    host, _, port = (bind or "127.0.0.1").partition(":")
    ports = [int(port)] if port else range(FIRST_PORT, FIRST_PORT + 100)
    for number in ports:
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, number))
            door.listen(BACKLOG)
        except OSError as error:
            door.close()
            trouble = error
        else:
            return door
    raise SystemExit(f"Nobody can listen at {host}, port {ports[0]} to {ports[-1]}: {trouble}.")


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def web_server(door: socket.socket) -> list[str]:
    pooled = flag("POSTERN_DB_POOL", False, "")
    return [
        *(sys.executable, "-m", "gunicorn", "escalation.wsgi", "--bind", f"fd://{door.fileno()}"),
        *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
        *("--no-control-socket", "--log-level", "warning"),
        # Loaded once for all workers; a pool of connections does not survive the fork.
        *([] if pooled else ["--preload"]),
    ]


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
    door = listen(os.environ.get("POSTERN_BIND", ""))
    here = "http://{}:{}".format(*door.getsockname())
    service = Service({"POSTERN_URL": here, "PYTHONUNBUFFERED": "1", **os.environ})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        start(service, door)
        if not answers(here, 30):
            raise SystemExit(f"The web server does not answer at {here}.")
        service.add(Part("job runner", [sys.executable, "manage.py", "runjobs"], "worker"))
        welcome(service.environ["POSTERN_URL"])
        service.watch()
    except Stopped:
        say("\nStopping.")
    finally:
        service.stop()
        RUNNING_DEMO.unlink(missing_ok=True)


def start(service: Service, door: socket.socket) -> None:
    """Prepare the installation and open it; the job runner follows when it answers."""
    if flag("POSTERN_DEMO", False, "") and "POSTERN_RDAP_BASE" not in os.environ:
        port = unused_port()
        service.environ["POSTERN_RDAP_BASE"] = f"http://127.0.0.1:{port}"
        registry = [sys.executable, "-m", "ownership.fake_registry", "--port", str(port)]
        service.add(Part("demo registry", registry, "manage"))
    if flag("POSTERN_DEMO", False, ""):
        tell_commands(service.environ)
    prepare = [sys.executable, "manage.py", "prepare"]
    if code := supervisor.start(prepare, environ=service.environ).wait():
        raise SystemExit(code)
    service.add(Part("web server", web_server(door), "web", hands_down=(door.fileno(),)))


def tell_commands(environ: dict[str, str]) -> None:
    """Let ``manage.py`` in another shell work on the running demo, as long as it runs."""
    shared = ("POSTERN_DEMO", "POSTERN_RDAP_BASE", "POSTERN_URL", "POSTERN_VAR")
    lines = [f"{name}={environ[name]}\n" for name in shared if name in environ]
    RUNNING_DEMO.parent.mkdir(exist_ok=True)
    RUNNING_DEMO.write_text("".join(lines))


def welcome(url: str) -> None:
    """Say where to go, and what the demo has said about itself (``manage.py prepare``)."""
    say(f"\nPostern is open at {url}    (Ctrl-C stops it)")
    letter = ROOT / os.environ.get("POSTERN_VAR", "var") / "welcome.txt"
    if letter.exists():
        say("\n" + letter.read_text().rstrip())


def _stop(number: int, frame: FrameType | None) -> None:
    for again in (signal.SIGTERM, signal.SIGINT):
        signal.signal(again, signal.SIG_IGN)
    raise Stopped


if __name__ == "__main__":
    main()
