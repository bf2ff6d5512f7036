"""How often a registry is asked: a token bucket for each host, shared by all workers."""

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from django.utils import timezone

from escalation.errors import TryAgainLater
from ownership.models import RegistryHost
from ownership.rdap import LookupFailed

TABLE: Final = Path(__file__).parent / "data" / "rates.toml"
ROUNDS: Final = 20  # tries to win a token against other workers
ONE_ROW: Final = 15.0  # seconds after which one row starts no further request


class OutOfTurn(TryAgainLater):
    """The registry may not be asked now: its budget is used up, or it told us to wait."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One request every ``seconds``, and ``burst`` of them at once."""

    seconds: float
    burst: float


def _read() -> dict[str, Rate]:
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: Rate(row["seconds"], row["burst"]) for name, row in rows.items()}


RATES: Final = _read()


def bucket_of(url: str) -> str:
    """The bucket that a request to ``url`` takes its token from.

    >>> bucket_of("https://rdap.db.ripe.net/entity/ORG-1")
    'rdap.db.ripe.net/entity'
    >>> bucket_of("https://rdap.db.ripe.net/ip/192.0.2.1")
    'rdap.db.ripe.net'
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    kinds = [f"{host}/{word}" for word in parts.path.split("/") if word]
    return next((kind for kind in kinds if kind in RATES), host)


def take(url: str) -> None:
    """Take a token for one request to ``url``; raises ``OutOfTurn`` with the seconds to wait.

    The update is conditional, so two workers never spend the same token.
    """
    name = bucket_of(url)
    rate = RATES.get(name, RATES["default"])
    for _ in range(ROUNDS):
        now = timezone.now()
        bucket, _made = RegistryHost.objects.get_or_create(
            host=name, defaults={"tokens": rate.burst, "refilled_at": now}
        )
        if bucket.blocked_until and bucket.blocked_until > now:
            wait = (bucket.blocked_until - now).total_seconds()
            raise OutOfTurn(f"{name} asked us to wait.", after=wait)
        gained = max(0.0, (now - bucket.refilled_at).total_seconds()) / rate.seconds
        tokens = min(rate.burst, bucket.tokens + gained)
        if tokens < 1:
            raise OutOfTurn(f"{name} has been asked enough.", after=(1 - tokens) * rate.seconds)
        won = RegistryHost.objects.filter(
            host=name, tokens=bucket.tokens, refilled_at=bucket.refilled_at
        ).update(tokens=tokens - 1, refilled_at=now)
        if won:
            return
    raise OutOfTurn(f"{name} is in demand.", after=rate.seconds)


def block(host: str, seconds: float) -> None:
    """Ask nothing more of ``host`` for so long, whichever worker would (RFC 6585, section 4)."""
    until = timezone.now() + timedelta(seconds=seconds)
    RegistryHost.objects.get_or_create(host=host)
    names = [host, *(name for name in RATES if name.startswith(f"{host}/"))]
    RegistryHost.objects.filter(host__in=names).update(blocked_until=until)


class Turn:
    """Admits the requests of one row: by the budget of each host, and a time for all of them."""

    def __init__(self) -> None:
        self.end = monotonic() + ONE_ROW

    def __call__(self, url: str) -> None:
        if monotonic() > self.end:
            raise LookupFailed(f"The registries took longer than {ONE_ROW:.0f} s in all.")
        take(url)
