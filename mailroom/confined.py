"""The bounce reader in a process of its own, under limits that the system enforces.

Safe to call from any worker or thread: nothing runs between fork and exec, the limits are the
child's own first act.  The child sees no environment and writes no file.
"""

import json
import resource
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from mailroom.diagnosis import MALFORMED, OUT_OF_TIME, Diagnosis, Failure, Original
from mailroom.guards import refusal
from mailroom.reader import read

CPU_SECONDS: Final = 2
WALL_SECONDS: Final = 6.0  # with the start of the child on a busy machine
MEMORY_BYTES: Final = 512 * 1024 * 1024

_ROOT: Final = Path(__file__).resolve().parents[1]
_COMMAND: Final = (sys.executable, "-s", "-E", "-B", "-m", "mailroom.confined")


def read_guarded(raw: bytes) -> Diagnosis:
    """``read`` in a limited child; ``unreadable`` when the child dies or takes too long."""
    if error := refusal(raw):
        return Diagnosis("unreadable", error=error)
    try:
        child = subprocess.run(
            _COMMAND,
            input=raw,
            capture_output=True,
            timeout=WALL_SECONDS,
            cwd=_ROOT,
            env={},
            check=True,
        )
        return from_json(child.stdout)
    except subprocess.TimeoutExpired:
        return Diagnosis("unreadable", error=OUT_OF_TIME)
    except (subprocess.CalledProcessError, OSError, ValueError, TypeError, KeyError):
        return Diagnosis("unreadable", error=MALFORMED)


def to_json(diagnosis: Diagnosis) -> str:
    return json.dumps(asdict(diagnosis))


def from_json(text: str | bytes) -> Diagnosis:
    """Undo ``to_json``.  Raises ``ValueError``, ``TypeError`` or ``KeyError`` for anything else."""
    fields: dict[str, Any] = json.loads(text)
    original = fields.pop("original")
    results = tuple(Failure(**failure) for failure in fields.pop("results"))
    return Diagnosis(results=results, original=Original(**original) if original else None, **fields)


def limit_self() -> None:
    """Bind this process to its limits; there is no way back."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    limit_self()
    sys.stdout.write(to_json(read(sys.stdin.buffer.read())))
