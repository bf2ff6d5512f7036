"""Builders of listings, and the list as people ask it."""

from typing import Any

from django.db import transaction
from django.test import Client

from escalation import queue
from escalation.actors import DESK, Actor
from escalation.prefixes import parse_address, parse_prefix
from listings import actions, queries
from listings.models import Listing, ListingException


def make_listing(prefix: str, **facts: Any) -> Listing:
    """An enforced listing, made as the desk makes it."""
    facts.setdefault("reason_class", "automatic")
    return actions.add(parse_prefix(prefix), actor=DESK, **facts)


def make_exception(listing: Listing, prefix: str) -> ListingException:
    return ListingException.objects.create(
        listing=listing, **actions.columns(parse_prefix(prefix)), serial=0
    )


def let_in(prefix: str, *, actor: Actor = DESK, key: str = "") -> int:
    with transaction.atomic():
        return actions.take_out(
            parse_prefix(prefix), actor=actor, reason="test", key=key or f"test:{prefix}"
        )


def lister_of(address: str) -> str:
    """The prefix of the listing that refuses ``address``, "" if none does."""
    listing = queries.listed(parse_address(address))
    return listing.prefix if listing else ""


def publish() -> None:
    """What the workers do when they are nudged, until nothing is left to do."""
    while queue.run("publications") + queue.run("listings"):
        pass


def feed(family: str = "") -> list[str]:
    """The lines of the published list, without its head."""
    answer = Client().get("/feeds/plain/", {"family": family} if family else {})
    assert answer.status_code == 200
    lines = b"".join(answer.streaming_content).decode("ascii").splitlines()
    return [line for line in lines if not line.startswith("#")]
