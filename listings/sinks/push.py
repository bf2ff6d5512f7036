"""The operator's own hooks: what a site runs when a new list is out (``postfix reload``, rsync).

A hook is an executable file in POSTERN_PUSH_DIR.  People at the desk choose
among the files there and can bring in nothing of their own.
"""

import os
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from escalation import programs
from escalation.errors import TryAgainLater
from listings.models import Publication, Sink

TIMEOUT = 20.0  # seconds, then the hook and all that it has started are killed


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
    programs.run(
        [str(Path(settings.POSTERN_PUSH_DIR) / sink.push), sink.kind, sink.name,
         str(publication.serial)],
        seconds=TIMEOUT, cwd=settings.POSTERN_FEED_DIR,
        environ={"POSTERN_FEED_DIR": str(settings.POSTERN_FEED_DIR)},
    )  # fmt: skip
