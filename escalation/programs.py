"""Programs of the operator that we start: without a shell, with nothing of ours, for a time."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from django.utils.translation import gettext as _

from escalation.errors import TryAgainLater

SAID: Final = 200  # characters of its last words that a failure shows
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(
    command: Sequence[str],
    *,
    seconds: float,
    stdin: bytes = b"",
    cwd: str | Path = "/",
    environ: Mapping[str, str] | None = None,
) -> str:
    """Run ``command`` and return what it wrote, on one line.

    It sees no key, no password, no database of ours.  After ``seconds`` it and all that it has
    started are killed.  Raises ``TryAgainLater`` with its last words when it fails.
    """
    name = Path(command[0]).name
    try:
        child = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=cwd, start_new_session=True,
            env={"PATH": PATH, "LANG": "C.UTF-8", **(environ or {})},
        )  # fmt: skip
    except OSError as error:
        raise TryAgainLater(
            _("the hook %(hook)s cannot be started: %(why)s")
            % {"hook": name, "why": error.strerror or error}
        ) from error
    try:
        said, _nothing = child.communicate(stdin, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise TryAgainLater(
            _("the hook %(hook)s took more than %(n)d seconds") % {"hook": name, "n": int(seconds)}
        ) from None
    finally:
        _end(child)
    words = plain(said.decode("utf-8", "replace"), len(said))
    if child.returncode:
        raise TryAgainLater(
            _("the hook %(hook)s failed (code %(code)d): %(words)s")
            % {"hook": name, "code": child.returncode, "words": words[-SAID:]}
        )
    return words


def plain(text: str, most: int) -> str:
    """``text`` on one line, without what no database keeps."""
    return "".join(c if c.isprintable() else " " for c in text).strip()[:most]


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of the program's process group."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        for stream in (child.stdin, child.stdout):
            if stream:
                stream.close()
    child.wait()
