"""What is not kept for ever: the reported messages, who reported, and what tells duplicates."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from abuse import arf
from abuse.models import Fingerprint, Report

AT_ONCE: Final = 2000  # rows
PORTION: Final = 200
FORGOTTEN: Final = ("subject", "evidence", "reporter_email", "facts", "is_forgotten")
SAME_FOR: Final = timedelta(days=90)  # that a report is known as one that came before


def forget() -> int:
    """Delete old evidence and old fingerprints; a bounded number.  The counts stay."""
    now = timezone.now()
    before = now - timedelta(days=settings.POSTERN_KEEP_DAYS)
    old = Report.objects.filter(read_at__lt=before, is_forgotten=False).order_by("read_at")
    n = 0
    while n < AT_ONCE and (rows := list(old[:PORTION])):
        for row in rows:  # the last moment at which anybody knows whom to hide
            row.subject = arf.subject(row)[:200]
            row.evidence, row.reporter_email, row.facts, row.is_forgotten = "", "", {}, True
        Report.objects.bulk_update(rows, FORGOTTEN)
        n += len(rows)
    past = Fingerprint.objects.filter(made_at__lt=now - SAME_FOR).order_by("made_at")
    names = list(past.values_list("pk", flat=True)[:AT_ONCE])
    for start in range(0, len(names), 500):
        n += int(Fingerprint.objects.filter(pk__in=names[start : start + 500]).delete()[0])
    return n
