"""The operator's own hooks: what a site runs when a new list is out (``postfix reload``, rsync).

A hook is an executable file in POSTERN_PUSH_DIR.  People at the desk choose
among the files there and can bring in nothing of their own.
"""

import os
import signal
import subprocess
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from escalation.errors import TryAgainLater
from listings.models import Publication, Sink

TIMEOUT = 20.0  # seconds, then the hook and all that it has started are killed
SAID = 200  # characters of its output that are kept


def hooks() -> list[str]:
    """The names of the hooks that there are."""
    if not settings.POSTERN_PUSH_DIR:
        return []
    try:
        found = sorted(Path(settings.POSTERN_PUSH_DIR).iterdir())
    except OSError:
        return []
    return [path.name for path in found if path.is_file() and os.access(path, os.X_OK)]


def run(sink: Sink, publication: Publication) -> None:
    """Run the hook of ``sink`` with its kind, its name and the serial; no shell is involved.

    Raises ``TryAgainLater`` with its last words when it fails, or takes too long.
    """
    if sink.push not in hooks():
        raise TryAgainLater(_("the hook %s is not in POSTERN_PUSH_DIR") % sink.push)
    command = [Path(settings.POSTERN_PUSH_DIR) / sink.push, sink.kind, sink.name]
    child = subprocess.Popen(
        [*map(str, command), str(publication.serial)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        cwd=settings.POSTERN_FEED_DIR, env=_environment(), start_new_session=True,
    )  # fmt: skip
    try:
        said, _nothing = child.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise TryAgainLater(
            _("the hook %(hook)s took more than %(n)d seconds")
            % {"hook": sink.push, "n": int(TIMEOUT)}
        ) from None
    finally:
        _end(child)
    if child.returncode:
        words = "".join(c if c.isprintable() else " " for c in said.decode("utf-8", "replace"))
        raise TryAgainLater(
            _("the hook %(hook)s failed (code %(code)d): %(words)s")
            % {"hook": sink.push, "code": child.returncode, "words": words.strip()[-SAID:]}
        )


def _environment() -> dict[str, str]:
    """Nothing of ours: no key, no password, no database."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "POSTERN_FEED_DIR": str(settings.POSTERN_FEED_DIR),
    }


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of the hook's process group."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        if child.stdout:
            child.stdout.close()
    child.wait()
