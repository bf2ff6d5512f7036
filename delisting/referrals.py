"""Links to pass on: what a stranger's page holds, for the customer who opens a ticket with it."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language

from delisting.models import Referral
from escalation.limits import Limit
from mailroom import tokens
from mailroom.rendering import clean, single_line

MOST_BOUNCE: Final = 64 * 1024  # octets of a bounce that are passed on
MADE: Final = Limit("referral", most=20, seconds=3600)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a refusal; what is not known is empty."""

    prefix: str = ""
    sender_email: str = ""
    recipient: str = ""
    reply: str = ""
    statement: str = ""
    bounce: bytes = b""


def make(facts: Facts) -> tuple[str, Referral]:
    """Keep the facts for some days; return the token of their link, which no row has."""
    token = secrets.token_urlsafe(24)
    row = Referral.objects.create(
        token_digest=tokens.digest(token),
        prefix=single_line(facts.prefix, 49),
        sender_email=single_line(facts.sender_email, 320),
        recipient=single_line(facts.recipient, 320),
        reply=clean(facts.reply)[:5000],
        statement=clean(facts.statement)[:5000],
        bounce=facts.bounce[:MOST_BOUNCE],
        language=(get_language() or settings.LANGUAGE_CODE)[:2],
        expires_at=timezone.now() + timedelta(days=settings.POSTERN_REFERRAL_DAYS),
    )
    return token, row


def link(token: str) -> str:
    return f"{settings.POSTERN_URL}/refer/{token}/"


def find(token: str) -> Referral | None:
    """The facts behind a link; unknown and ended ones look the same."""
    found = Referral.objects.filter(token_digest=tokens.digest(token))
    return found.filter(expires_at__gt=timezone.now()).first()
