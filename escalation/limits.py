"""Limits for people without an account, counted in the database: all web processes see one count.

Who somebody is goes into a keyed hash and is not kept.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address, ip_network
from threading import BoundedSemaphore
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from escalation.errors import Refused
from escalation.models import Count
from escalation.prefixes import Address

NETWORK = {4: 24, 6: 48}  # one visitor may have as many addresses as that
FORGOTTEN_AT_ONCE = 5000  # rows


class TooOften(Refused):
    """Somebody has reached a limit; the message says when to come back."""

    code = "too-often"
    status = 429
    title = gettext_lazy("This has been done very often lately")


SLOTS: Final = BoundedSemaphore(3)  # of a process: one of its threads is left for everybody else
PATIENCE: Final = 1.0  # seconds


@contextmanager
def slot() -> Iterator[None]:
    """Room to ask the outside while somebody waits; raises ``TooOften`` when there is none."""
    if not SLOTS.acquire(timeout=PATIENCE):
        raise TooOften(_("Many are asking just now. Try again in a minute."))
    try:
        yield
    finally:
        SLOTS.release()


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` times within ``seconds``, for each of those whom it counts."""

    kind: str
    most: int
    seconds: int

    def take(self, who: str, n: int = 1) -> None:
        """Count ``n`` more for ``who``; raises ``TooOften`` with words above ``most``."""
        counted, ends_at = self._add(who, n)
        if counted > self.most:
            raise TooOften(_too_often(ends_at))

    def _add(self, who: str, n: int) -> tuple[int, datetime]:
        window, key = self._window(who)
        ends_at = datetime.fromtimestamp((window + 1) * self.seconds, UTC)
        with transaction.atomic():
            Count.objects.get_or_create(key=key, defaults={"ends_at": ends_at})
            Count.objects.filter(key=key).update(n=F("n") + n)
            return Count.objects.values_list("n", flat=True).get(key=key), ends_at

    def _window(self, who: str) -> tuple[int, str]:
        window = int(time.time()) // self.seconds
        digest = salted_hmac("limits", f"{self.kind}:{who}:{window}", algorithm="sha256")
        return window, digest.hexdigest()


def _too_often(ends_at: datetime) -> str:
    minutes = max(1, round((ends_at - timezone.now()).total_seconds() / 60))
    again = ngettext(
        "Please try again in %d minute.", "Please try again in %d minutes.", minutes
    ) % minutes  # fmt: skip
    return _("This was asked very often from where you are.") + " " + again


def first_time(what: str, until: datetime) -> bool:
    """Whether ``what`` is done for the first time: of two at once, one hears True."""
    key = salted_hmac("limits.once", what, algorithm="sha256").hexdigest()
    return Count.objects.get_or_create(key=key, defaults={"ends_at": until, "n": 1})[1]


def visitor(request: HttpRequest) -> str:
    """The network that a request comes from, as our own proxy saw it where there is one."""
    given = request.META.get("REMOTE_ADDR", "")
    if getattr(settings, "ALLAUTH_TRUSTED_PROXY_COUNT", 0):
        given = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or given
    try:
        address = ip_address(given)
    except ValueError:
        return "unknown"
    return network_of(address)


def network_of(address: Address) -> str:
    """As much around an address as limits take for one party's."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ip_network(f"{address}/{NETWORK[address.version]}", strict=False))


def forget() -> int:
    """Delete the counts whose time is over; return how many."""
    over = Count.objects.filter(ends_at__lt=timezone.now()).order_by("ends_at")
    keys = list(over.values_list("key", flat=True)[:FORGOTTEN_AT_ONCE])
    return sum(
        int(Count.objects.filter(key__in=keys[i : i + 500]).delete()[0])
        for i in range(0, len(keys), 500)
    )
