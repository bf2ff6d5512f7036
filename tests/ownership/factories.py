"""Builders and short ways for the tests of ownership."""

import re
from datetime import timedelta
from typing import Any

from django.core import mail
from django.utils import timezone

from escalation import prefixes, queue
from ownership import actions
from ownership.actions import Given
from ownership.models import (
    Answer,
    Contact,
    Inquiry,
    Lookup,
    Network,
    NetworkContact,
    Proof,
    RequestLetter,
)  # fmt: skip

EVIDENCE = {
    "listed_at": "2026-11-20T08:00:00+00:00",
    "reason": "automatic",
    "hits": 214,
    "last_hit_at": "2026-11-22T22:09:00+00:00",
}
ABUSE = "abuse@hosting.example"
CONFIRM = {
    "answer": "confirm", "prefixes": ["192.0.2.25/32"], "name": "Robin Example", "acts_for": "on",
}  # fmt: skip
LINK = re.compile(r"https?://\S*/answer/([\w-]{43})/")


def make_inquiry(prefix: str = "192.0.2.25", **values: Any) -> Inquiry:
    values = {"evidence": EVIDENCE, "tenant_domains": [], **values}
    return actions.open_inquiry(prefixes.parse_prefix(prefix), **values)


def make_network(prefix: str, *emails: str, **values: Any) -> Network:
    first, last = prefixes.keys(prefixes.parse_prefix(prefix))
    now = timezone.now()
    values = {"registry": "rdap.example", "handle": prefix, "url": "", "sha256": "", **values}
    network = Network.objects.create(first=first, last=last, read_at=now, **values)
    Lookup.objects.create(prefix=str(prefixes.parse_prefix(prefix)), network=network, asked_at=now)
    for position, email in enumerate(emails):
        contact, _ = Contact.objects.get_or_create(email=email)
        NetworkContact.objects.create(
            network=network, contact=contact, position=position, score=10 + position
        )
    return network


def make_proof(prefix: str, level: int = 2, **values: Any) -> Proof:
    first, last = prefixes.keys(prefixes.parse_prefix(prefix))
    values = {"expires_at": timezone.now() + timedelta(days=30), "provenance": "made", **values}
    return Proof.objects.create(
        method=Proof.Method.REGISTRY_MAIL, level=level, first=first, last=last, **values
    )


def sweep() -> None:
    """All that the workers do soon after: ladders, letters, and what became of them."""
    queue.run("inquiries")
    queue.run("letters")
    queue.run("inquiries")
    queue.run("letters")


def letter_to(email: str) -> RequestLetter:
    """The newest letter with a link to that contact."""
    return RequestLetter.objects.filter(contact__email=email).latest("pk")


def answer(email: str, kind: Answer.Kind, **values: Any) -> Answer:
    """What the contact says by the newest link; a confirm is for all that is asked."""
    return actions.record_answer(letter_to(email), Given(kind, name="Robin Example", **values))


def asked(inquiry: Inquiry) -> list[str]:
    """Whom the inquiry leans on, in order."""
    rungs = inquiry.rungs.exclude(why="notice").order_by("position")
    return list(rungs.values_list("request__contact__email", flat=True))


def outcome(inquiry: Inquiry) -> str:
    inquiry.refresh_from_db()
    return str(inquiry.outcome)


def token_in(message: mail.EmailMessage) -> str:
    found = LINK.search(str(message.body))
    assert found, message.body
    return found[1]
