"""What is forgotten about letters and mails, and when."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from mailroom.models import Letter, Received

MOST = 5000  # rows of one turn
SETTLED = Q(due_at=None) | Q(parked_at__isnull=False)


def forget_texts() -> int:
    """Empty the texts of letters, settled or given up, older than ``POSTERN_KEEP_DAYS``.

    That a letter went to whom, when and with what answer stays.
    """
    old = Letter.objects.filter(SETTLED, written_at__lt=_before()).exclude(body="")
    return _forget(old.order_by("written_at"), body="", feedback="", enclosed=b"")


def forget_mails() -> int:
    """Empty the mails that came in so long ago, and wait for nothing.

    That one came, when, and to which recipient stays.
    """
    old = Received.objects.filter(SETTLED, received_at__lt=_before()).exclude(raw=b"")
    return _forget(old.order_by("received_at"), raw=b"", mail_from="")


def _before() -> datetime:
    return timezone.now() - timedelta(days=settings.POSTERN_KEEP_DAYS)


def _forget(rows: "QuerySet[Any]", **emptied: Any) -> int:
    """Empty these fields of the first rows, in short transactions."""
    keys = list(rows.values_list("pk", flat=True)[:MOST])
    every = rows.order_by()
    return sum(
        every.filter(pk__in=keys[start : start + 500]).update(**emptied)
        for start in range(0, len(keys), 500)
    )
