"""The request log of sinks that fetch the list over HTTP, each with a token of its own."""

import base64
import binascii
import hashlib
import secrets
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from escalation import queue
from escalation.errors import TryAgainLater
from listings.models import Fetch, Publication, Sink

TOKEN_BYTES = 32  # 256 bits
KEPT = 100  # serials of each sink in the request log
KEPT_FOR = timedelta(days=90)


def make_token(sink: Sink) -> str:
    """Give ``sink`` a new token and return it: it is shown once; the earlier one ends here."""
    token = f"sink_{secrets.token_urlsafe(TOKEN_BYTES)}"
    sink.token_digest, sink.token_made_at = _digest(token), timezone.now()
    sink.save(update_fields=["token_digest", "token_made_at"])
    return token


def _digest(token: str) -> str:
    """What is kept: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def asker(request: HttpRequest, kind: str) -> Sink | None:
    """The enabled sink of that kind that asks: by its token, else one that is open to everybody."""
    enabled = Sink.objects.filter(enabled=True, kind=kind)
    if token := _token(request.headers.get("Authorization", "")):
        return enabled.filter(token_digest=_digest(token)).first()
    return enabled.filter(is_open=True).order_by("pk").first()


def _token(header: str) -> str:
    """The token of ``Bearer TOKEN``, or the password of HTTP Basic (RFC 6750, RFC 7617)."""
    scheme, _space, value = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return pair.partition(":")[2]


def note(sink: Sink, serial: int, *, holds: bool, address: str | None) -> None:
    """Write into the request log that ``sink`` asked, and whether it now holds ``serial``.

    The first time that it does wakes the sweep which waits for its receipt.
    """
    now = timezone.now()
    with transaction.atomic():
        its = Fetch.objects.filter(sink=sink, serial=serial)
        if not its.exists():
            try:
                with transaction.atomic():
                    Fetch.objects.create(sink=sink, serial=serial)
            except IntegrityError:  # another request of the same sink was quicker
                pass
        its.update(requests=F("requests") + 1, asked_at=now, address=address)
        if holds and its.filter(held_at=None).update(held_at=now):
            queue.nudge("publications")


def prove(sink: Sink, publication: Publication) -> str:
    """What the request log says of a sink that has a token; "" for one without.

    Raises ``TryAgainLater`` where it has not fetched the serial.
    """
    if not sink.token_digest:
        return ""
    log = sink.fetches.order_by("-serial")
    held = log.filter(serial=publication.serial).exclude(held_at=None).first()
    if held is not None:
        return (
            f"fetched serial {held.serial} at {held.held_at:%Y-%m-%d %H:%M:%S} UTC "
            f"from {held.address or 'a proxy'}"
        )
    last = log.exclude(held_at=None).first()
    if last is None:
        raise TryAgainLater("it has never fetched the list with its token")
    raise TryAgainLater(
        f"it holds serial {last.serial}, and asked last at {last.asked_at:%Y-%m-%d %H:%M:%S} UTC"
    )


def must_prove(sink: Sink, publication: Publication) -> str:
    """``prove`` for a kind that has no other way; raises ``TryAgainLater`` without a token too."""
    if not sink.token_digest:
        raise TryAgainLater("it has no token: make one at the desk, and fetch the list with it")
    return prove(sink, publication)


def forget() -> int:
    """Delete old lines of the request log; return how many."""
    n = 0
    for sink in Sink.objects.all():
        rows = sink.fetches.order_by("-serial")
        old = list(rows.filter(asked_at__lt=timezone.now() - KEPT_FOR).values_list("pk", flat=True))
        late = list(rows.values_list("pk", flat=True)[KEPT : KEPT + 1000])
        n += Fetch.objects.filter(pk__in={*old, *late}).delete()[0]
    return n
