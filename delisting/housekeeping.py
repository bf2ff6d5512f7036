"""What is not kept for ever: texts of requests, and links that have ended."""

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from delisting.lifecycle import OPEN
from delisting.models import DelistRequest, Referral

AT_ONCE = 500  # rows


def forget() -> int:
    """Delete ended referral links, and the words and mailboxes of old requests."""
    keys = list(ended().values_list("pk", flat=True)[:AT_ONCE])
    n = int(Referral.objects.filter(pk__in=keys).delete()[0])
    keys = list(past_keeping().values_list("pk", flat=True)[:AT_ONCE])
    return n + DelistRequest.objects.filter(pk__in=keys).update(email="", changed="")


def ended() -> "QuerySet[Referral]":
    return Referral.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at")


def past_keeping() -> "QuerySet[DelistRequest]":
    """Ended requests whose words and mailboxes have been kept long enough."""
    since = timezone.now() - timedelta(days=settings.POSTERN_KEEP_DAYS)
    old = DelistRequest.objects.filter(asked_at__lt=since).exclude(email="")
    return old.exclude(state__in=OPEN).order_by("asked_at")
