"""What the job runner of the tests does with errands, on a quicker clock."""

import os
import signal
import time
from datetime import timedelta

from django.db import transaction

from escalation import owed
from tests.errands.models import Effect, Errand

QUICK = "ERRANDS_QUICK"  # environment: leases and pauses of seconds, not minutes
TAKES = 0.02  # seconds of work outside any transaction

if QUICK in os.environ:
    owed.LEASE = timedelta(seconds=3)
    owed.BACKOFF = (1, 1, 1, 1, 1)


def sweep_errands() -> int:
    return owed.work_through("errands", Errand.objects.all(), do, worst=1.0, attempts=3)


def do(errand: owed.Owed) -> None:
    assert isinstance(errand, Errand)
    time.sleep(TAKES)
    if errand.manner == Errand.Manner.KILLS:
        os.kill(os.getpid(), signal.SIGKILL)
    if errand.manner == Errand.Manner.FAILS:
        raise ValueError("an errand that fails each time")
    with transaction.atomic():
        Effect.objects.create(errand=errand)
        owed.finish(errand)
