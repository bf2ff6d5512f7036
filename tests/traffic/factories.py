"""Builders of tallies."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from escalation import prefixes
from traffic.models import Tally


def make_tally(
    address: str = "198.51.100.25",
    *,
    domain: str = "clinic.example",
    refused: int = 0,
    accepted: int = 0,
    at: datetime | None = None,
    **facts: Any,
) -> Tally:
    """Mail of one address to one domain on the day of ``at`` (now by default)."""
    at = at or timezone.now()
    if refused:
        facts = {
            "first_refused_at": at - timedelta(minutes=1), "last_refused_at": at,
            "sender": "accounts@bank.example", "recipient": f"dana@{domain}", **facts,
        }  # fmt: skip
    return Tally.objects.create(
        day=at.date(), address=prefixes.key(prefixes.parse_address(address)),
        recipient_domain=domain, refused=refused, accepted=accepted, **facts,
    )  # fmt: skip
