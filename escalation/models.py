"""What the ground itself keeps: how often somebody has done something lately."""

from django.db import models


class Count(models.Model):
    """How often a thing was done in one window of time, by somebody of whom we keep a hash only."""

    key = models.CharField(max_length=64, primary_key=True)
    n = models.PositiveIntegerField(default=0)
    ends_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["ends_at"], name="escalation_count_ends")]

    def __str__(self) -> str:
        return f"{self.key}: {self.n}"
