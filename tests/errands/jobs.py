"""What the job runner of the tests does with errands."""

import os
import signal
import time

from django.db import transaction

from escalation import owed
from tests.errands.models import Effect, Errand

TAKES = 0.02  # seconds of work outside any transaction


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
