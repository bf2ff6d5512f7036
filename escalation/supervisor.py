"""Child processes that never outlive us: started, watched, ended.

Standard library only, so that the process that watches stays small.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(how: int) -> None:
    """Have the kernel send this process ``how`` when its parent dies.

    Linux only; elsewhere a parent that is killed leaves its children behind.
    Forked children do not inherit it.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)


def start(
    command: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    if_we_die: int = signal.SIGTERM,
    hands_down: tuple[int, ...] = (),
) -> "subprocess.Popen[bytes]":
    """Start ``command`` in a process group of its own.

    A Ctrl-C in the terminal reaches only us; what the child hears of it is
    our decision.  If we are killed, the child gets ``if_we_die``.  It inherits
    the open files in ``hands_down`` and no others.
    """
    we = os.getpid()

    def prepare() -> None:
        die_with_parent(if_we_die)
        if os.getppid() != we:  # we died before the kernel knew
            os._exit(1)

    return subprocess.Popen(  # no threads run here when it forks
        command, env=environ, start_new_session=True, pass_fds=hands_down, preexec_fn=prepare
    )


def kill_group(child: "subprocess.Popen[bytes]") -> None:
    """Kill ``child`` and all that it started, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def stop(children: "Iterable[subprocess.Popen[bytes]]", grace: float) -> None:
    """Ask every child's first process to end; after ``grace`` seconds kill what is left."""
    children = list(children)
    for child in children:
        if child.poll() is None:
            child.terminate()
    end = time.monotonic() + grace
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, end - time.monotonic()))
        kill_group(child)
