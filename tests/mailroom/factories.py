"""Builders of letters for tests."""

from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from mailroom.actions import write
from mailroom.models import Letter

_serial = count(1)
LONG_AGO = timedelta(hours=1)


def make_letter(recipient: str = "owner@hosting.example", **fields: Any) -> Letter:
    """A letter that is due; ``subject`` and ``text`` are what it says."""
    context = {
        "subject": fields.pop("subject", "About your address"),
        "text": fields.pop("text", "We ask you to confirm."),
    }
    fields.setdefault("key", f"test:{next(_serial)}")
    fields.setdefault("kind", "request")
    fields.setdefault("language", "en")
    fields.setdefault("template", "mailroom/alert")
    return write(recipient=recipient, context=context, **fields)


def make_due(*letters: Letter) -> None:
    """Let the backoff and the lease of ``letters`` be over."""
    past = timezone.now() - LONG_AGO
    keys = [letter.pk for letter in letters]
    Letter.objects.filter(pk__in=keys).update(due_at=past, lease_until=None)


def read_again(letter: Letter) -> Letter:
    return Letter.objects.get(pk=letter.pk)
