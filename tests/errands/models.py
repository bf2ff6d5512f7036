import os
from datetime import timedelta

from django.db import models

from escalation import owed
from escalation.owed import Owed, due_index

QUICK = "ERRANDS_QUICK"  # environment: seconds of a lease; pauses then last one, not minutes

if QUICK in os.environ:  # here, as every process of ours loads the models
    owed.LEASE = timedelta(seconds=float(os.environ[QUICK]))
    owed.BACKOFF = (1, 1, 1, 1, 1)


class Errand(Owed):
    """Something to be done once.  ``manner`` says how it goes."""

    class Manner(models.TextChoices):
        PLAIN = "plain"
        KILLS = "kills"  # its worker, each time
        FAILS = "fails"  # with an exception, each time

    manner = models.CharField(max_length=10, choices=Manner.choices, default=Manner.PLAIN)

    class Meta:
        indexes = [due_index("errands_due")]

    def __str__(self) -> str:
        return f"{self.manner} errand {self.pk}"


class Effect(models.Model):
    """What an errand has brought about; twice would be a fault of the machinery."""

    errand = models.ForeignKey(Errand, models.CASCADE, related_name="effects")

    def __str__(self) -> str:
        return f"effect of {self.errand_id}"
