"""What is forgotten about letters, and when."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from mailroom.models import Letter

MOST = 5000  # rows of one turn


def forget_texts() -> int:
    """Empty the texts of letters, settled or given up, older than ``POSTERN_KEEP_DAYS``.

    That a letter went to whom, when and with what answer stays.
    """
    before = timezone.now() - timedelta(days=settings.POSTERN_KEEP_DAYS)
    settled = Letter.objects.filter(Q(due_at=None) | Q(parked_at__isnull=False))
    old = settled.filter(written_at__lt=before).exclude(body="")
    keys = list(old.order_by("written_at").values_list("pk", flat=True)[:MOST])
    n_forgotten = 0
    for start in range(0, len(keys), 500):  # each a short transaction of its own
        n_forgotten += settled.filter(pk__in=keys[start : start + 500]).update(body="")
    return n_forgotten
