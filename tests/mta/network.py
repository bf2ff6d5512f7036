"""A network of our own: an empty network namespace whose only interface is the loopback.

What the tests start in it can use any port, and reaches nothing outside it.
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CLONE_NEWNET = 0x40000000  # linux/sched.h
OURS = "/proc/thread-self/ns/net"
HOW = (
    "needs a network namespace of its own. Run as root on Linux, with: apt-get install "
    "rbldnsd unbound postfix rspamd nftables iproute2 util-linux"
)
PROGRAMS = ("rbldnsd", "unbound", "postfix", "rspamd", "nft", "ip", "unshare", "setpriv")
# Documentation space (RFC 5737, RFC 3849): whoever sends in these tests, and whom they reach.
SENDERS = "198.51.100.1/24"
RECEIVERS = "203.0.113.1/24"
SENDER6 = "2001:db8:200:10::25/128"


def _call(name: str, *arguments: int) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


@contextmanager
def own_network() -> Iterator[None]:
    """Move this thread, and what it starts from now on, into a network of its own.

    A prefix on the loopback interface makes every address of it local (IPv4).  Sockets that
    are open stay where they were; so do sockets in the file system.
    """
    before = os.open(OURS, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            _call("unshare", CLONE_NEWNET)
        except OSError as error:
            pytest.skip(f"{HOW} ({error})")
        try:
            for words in (
                ("link", "set", "lo", "up"),
                ("address", "add", SENDERS, "dev", "lo"),
                ("address", "add", RECEIVERS, "dev", "lo"),
                ("address", "add", SENDER6, "dev", "lo", "nodad"),
            ):
                subprocess.run(["ip", *words], check=True)
            yield
        finally:
            _call("setns", before, CLONE_NEWNET)
    finally:
        os.close(before)


def require_programs() -> None:
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not found: this {HOW}")
    if os.geteuid():
        pytest.skip(HOW)


def with_files(command: list[str], over: dict[str, Path]) -> list[str]:
    """``command`` in a mount namespace in which our files lie over those of the machine.

    It dies with the thread that starts it.
    """
    mounts = "".join(f'mount --bind "{ours}" {theirs} && ' for theirs, ours in over.items())
    script = f'{mounts}exec "$@"'
    guarded = ["setpriv", "--pdeathsig", "KILL", "--"]
    return [*guarded, "unshare", "--mount", "sh", "-c", script, "sh", *command]
