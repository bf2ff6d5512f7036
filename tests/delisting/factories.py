"""A stranger at the portal: what they type, press, and find in their mailbox."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.core import mail
from django.test import Client
from django.utils import timezone

from delisting import emails
from delisting.models import DelistRequest
from escalation import queue
from listings.models import Listing, ListingEntry
from mailroom import tokens
from tests.listings.factories import make_listing
from tests.tickets.factories import make_sink

ADDRESS = "198.51.100.25"
MAILBOX = "postmaster@shop.example"
SAID = {
    "runs_server": "on",
    "found_cause": "on",
    "has_stopped": "on",
    "changed": "A web form was abused. It is closed, and the queue is empty.",
    "email": MAILBOX,
}


def make_desk(*sinks: str) -> None:
    """Mail servers, and a list that is long enough to lose a row without being held."""
    for name in sinks or ("mx1",):
        make_sink(name)
    for n in range(8):
        make_listing(f"203.0.113.{n + 1}")


def listed_before(prefix: str, *, days_ago: float, times: int = 1) -> None:
    """Earlier listings of a prefix, each ended since."""
    for n in range(times):
        when = timezone.now() - timedelta(days=days_ago, minutes=n)
        made = make_listing(prefix)
        end(made, when)


def end(listing: Listing, when: datetime) -> None:
    """Let a listing have been active at ``when``, and be removed now."""
    ListingEntry.objects.filter(subject=listing).update(happened_at=when)
    Listing.objects.filter(pk=listing.pk).update(state="removed", listed_at=when, state_since=when)


def ask(client: Client, address: str = ADDRESS, **said: str) -> Any:
    return client.post("/delist/ask/", {"address": address, **SAID, **said})


def asked(client: Client, address: str = ADDRESS, **said: str) -> DelistRequest:
    """The request that has been made of it."""
    answer = ask(client, address, **said)
    assert answer.status_code == 302, answer.content.decode()
    return DelistRequest.objects.latest("pk")


def work() -> None:
    """What the workers do when they are nudged, until nothing is left to do."""
    while any(queue.run(kind) for kind in ("letters", "publications", "listings", "delistings")):
        pass


def link_in(message: Any) -> str:
    """The path of the link in a letter."""
    found = re.search(r"https?://[^/\s]+(/delist/\S+)", message.body)
    assert found, message.body
    return found[1]


def status_path(request: DelistRequest) -> str:
    """Where the asker's browser was sent."""
    return f"/delist/request/{tokens.token(emails.status_key(request))}/"


def letter_to(address: str = MAILBOX) -> Any:
    return next(one for one in reversed(mail.outbox) if one.to == [address])


def confirmed(client: Client, **changes: Any) -> DelistRequest:
    """The request after the button; ``changes`` happen to the listing in between."""
    request = asked(client)
    work()
    if changes:
        Listing.objects.filter(prefix=f"{ADDRESS}/32").exclude(state="removed").update(**changes)
    client.post(link_in(letter_to()))
    work()
    request.refresh_from_db()
    return request
