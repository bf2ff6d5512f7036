"""What is forgotten in time: lines of the request logs, and which cells changed long ago."""

from datetime import timedelta

from django.utils import timezone

from listings.models import Change, Publication
from listings.sinks import fetched

CHANGES_KEPT = timedelta(days=2)  # longer than anything on the shelf is taken over
AT_ONCE = 5000  # rows


def forget() -> int:
    """Delete a bounded number of old rows; return how many."""
    return fetched.forget() + forget_changes()


def forget_changes() -> int:
    """Delete the changes of serials that no publication will begin from any more."""
    waiting = Publication.objects.unpublished()
    lately = Publication.objects.filter(asked_at__gt=timezone.now() - CHANGES_KEPT)
    first = (waiting | lately).order_by("serial").values_list("serial", flat=True).first()
    if first is None:
        return 0
    old = Change.objects.filter(serial__lt=first).values_list("pk", flat=True)[:AT_ONCE]
    return Change.objects.filter(pk__in=list(old)).delete()[0]
