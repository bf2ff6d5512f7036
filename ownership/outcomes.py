"""Writes the outcome of an inquiry, once."""

from django.utils import timezone

from escalation import queue
from ownership.models import Inquiry
from ownership.verdicts import LATER


def conclude(inquiry: Inquiry, outcome: Inquiry.Outcome, why: str) -> bool:
    """Give the inquiry its outcome if that may follow the present one; tells the cases.

    Compare and swap: of two workers with the same news one writes it, and the
    other gets False.
    """
    before = [old for old, following in LATER.items() if outcome in following]
    written = Inquiry.objects.filter(pk=inquiry.pk, outcome__in=before).update(
        outcome=outcome, outcome_at=timezone.now(), why=why
    )
    if written:
        queue.nudge("cases")
    return bool(written)
