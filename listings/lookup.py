"""What anybody may know of an address: whether the list refuses it, since when, for what."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from escalation.prefixes import Prefix
from listings import queries
from listings.models import Listing, Removal, over_prefix


@dataclass(frozen=True, slots=True)
class Standing:
    """How the list stands to a prefix.

    ``listing`` refuses it, or some of it.  ``is_leaving`` says that it has been
    let in, and that not every sink has proved to know it.
    """

    prefix: Prefix
    listing: Listing | None
    is_leaving: bool


def standing(prefix: Prefix) -> Standing:
    listing = queries.covering_listing(prefix)
    return Standing(prefix, listing, listing is None and _is_leaving(prefix))


def was_listed(prefix: Prefix) -> bool:
    """Whether it, or something over it, has been let in before."""
    return Removal.objects.filter(prefix__in=over_prefix(prefix)).exists()


def _is_leaving(prefix: Prefix) -> bool:
    removals = Removal.objects.filter(prefix__in=over_prefix(prefix)).order_by("-serial")
    serial = removals.values_list("serial", flat=True).first()
    return serial is not None and bool(queries.sinks_behind(serial))


def is_ours(text: str) -> bool:
    """Whether a reply is one of ours: it has the address of this page in it."""
    return f"//{_host()}/delist/" in text


def address_named(reply: str) -> str:
    """The address in the link of a reply of ours, "" if there is none."""
    found = re.search(rf"//{re.escape(_host())}/delist/\?address=([0-9A-Fa-f.:]{{2,45}})", reply)
    return found[1].rstrip(".:") if found else ""


def _host() -> str:
    return urlsplit(settings.POSTERN_URL).netloc
