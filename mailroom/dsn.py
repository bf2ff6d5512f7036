"""The bounce reader's door.

``read`` never raises and does a bounded amount of work for any input (what is read of a file is
at most 1 MiB, and the limits of ``mailroom.guards`` hold before anything is parsed), so a page may
call it while somebody waits.  ``read_guarded`` does the same in a process of its own under hard
limits; it costs the start of a Python and suits files that arrive without anybody asking.
"""

from mailroom.confined import read_guarded
from mailroom.diagnosis import Diagnosis, Failure, Original
from mailroom.reader import read

__all__ = ["Diagnosis", "Failure", "Original", "first_blocked", "read", "read_guarded"]


def first_blocked(diagnosis: Diagnosis) -> Failure | None:
    """The failure whose reply names a blocked address, else one that is a block at all."""
    for failure in diagnosis.results:
        if failure.blocked_address:
            return failure
    return next((failure for failure in diagnosis.results if failure.block_kind), None)
