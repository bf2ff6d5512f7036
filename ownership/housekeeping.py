"""What is forgotten about owners, and when.

Handles, hashes, roles and decisions stay as evidence; raw documents, the
addresses of persons and what they wrote go.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from ownership.lifecycle import OPEN
from ownership.models import (
    Answer,
    Contact,
    Inquiry,
    Lookup,
    Network,
    NetworkContact,
    Request,
    Rung,
)

MOST: Final = 2000  # rows of one turn
PERSONS: Final = timedelta(days=30)  # a person's address goes earlier than a role mailbox
ANSWERED: Final = timedelta(days=7)  # far longer than any answer on file is used
REMOVED: Final = "removed-"  # the domain stays: whose word a proof was must be known


def _before() -> datetime:
    return timezone.now() - timedelta(days=settings.POSTERN_KEEP_DAYS)


def forget() -> int:
    """All that is here to forget."""
    return forget_documents() + forget_persons() + forget_answers() + forget_lookups()


def forget_documents() -> int:
    """Delete the raw answers of registries that nobody asks about any more."""
    asked = Inquiry.objects.filter(network=OuterRef("pk"), outcome="")
    old = Network.objects.filter(read_at__lt=_before(), document_gz__isnull=False)
    keys = list(old.exclude(Exists(asked)).values_list("pk", flat=True)[:MOST])
    return Network.objects.filter(pk__in=keys).update(document_gz=None)


def forget_lookups() -> int:
    """Delete what was answered for a prefix too long ago for anybody to rely on."""
    old = Lookup.objects.filter(asked_at__lt=timezone.now() - ANSWERED)
    keys = list(old.values_list("pk", flat=True)[:MOST])
    return Lookup.objects.filter(pk__in=keys).delete()[0]


def forget_persons() -> int:
    """Delete the addresses of persons whom no registry has named, and nobody asked, for a while.

    One who asked us to stop stays on the list: else we would write again.
    """
    before = max(_before(), timezone.now() - PERSONS)
    places = NetworkContact.objects.filter(contact=OuterRef("pk"))
    requests = Request.objects.filter(contact=OuterRef("pk"))
    busy = Q(state__in=OPEN) | Q(state_since__gte=before)
    old = Contact.objects.filter(
        ~Exists(places.filter(last_seen_at__gte=before)),
        ~Exists(requests.filter(busy)),
        is_person=True,
        stopped_at=None,
    ).exclude(email__startswith=REMOVED)
    n_forgotten = 0
    for pk, email in old.values_list("pk", "email")[:MOST]:
        nobody = f"{REMOVED}{pk}@{email.rpartition('@')[2]}"
        n_forgotten += Contact.objects.filter(pk=pk).update(email=nobody)
    return n_forgotten


def forget_answers() -> int:
    """Empty the names and words of old answers whose inquiries have ended."""
    waiting = Rung.objects.filter(request=OuterRef("request"), inquiry__outcome="")
    old = Answer.objects.filter(given_at__lt=_before(), due_at=None).exclude(
        name_given="", text="", forward_to=""
    )
    keys = list(old.exclude(Exists(waiting)).values_list("pk", flat=True)[:MOST])
    return Answer.objects.filter(pk__in=keys).update(name_given="", text="", forward_to="")
