"""The rows of the list."""

from listings.models.lists import (
    ENFORCED,
    Listing,
    ListingEntry,
    ListingException,
    ListingQuerySet,
    ReasonClass,
    Removal,
    over_prefix,
)
from listings.models.protected import Protected
from listings.models.publications import Change, Fetch, Publication, Receipt, Sink

__all__ = [
    "ENFORCED",
    "Change",
    "Fetch",
    "Listing",
    "ListingEntry",
    "ListingException",
    "ListingQuerySet",
    "Protected",
    "Publication",
    "ReasonClass",
    "Receipt",
    "Removal",
    "Sink",
    "over_prefix",
]
