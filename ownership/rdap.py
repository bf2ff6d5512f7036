"""Asks a registry's RDAP server (RFC 7480), trusting nothing that it sends.

Only https to hosts that are allowed beforehand; redirects followed by hand and
checked again; the time and the size of an answer are bounded as a whole; the
other end of the connection must be a public address.  Nothing is tried twice
here: the caller's row comes back later.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from escalation.errors import TryAgainLater
from ownership import registry, wire
from ownership.facts import Unreadable

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PORTS = {"https": 443, "http": 80}
LONGEST_WAIT = 24 * 3600  # seconds; a registry that asks for more is asked tomorrow
USUAL_WAIT = 60  # seconds, where a 429 does not say
PIECE = 64 * 1024  # bytes read at once


class LookupFailed(TryAgainLater):
    """No usable answer: refused by our rules, late, too big, broken, or an error of theirs."""


class TryLater(TryAgainLater):
    """The registry asks for a pause of ``seconds`` (429): for this whole ``host``."""

    def __init__(self, seconds: float, host: str) -> None:
        super().__init__(f"{host} asks us to wait {seconds:.0f} s.", after=seconds)
        self.seconds = seconds
        self.host = host


class NotFound(Exception):
    """The registry answered that it does not know this: an answer, not a failure."""

    def __init__(self, url: str) -> None:
        super().__init__(f"Not in the registry: {url}")
        self.url = url


def _always(url: str) -> None:
    """Let every request go."""


def _unheard(host: str, seconds: float) -> None:
    """Leave it to the exception to tell of the pause."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the client may do.  Times in seconds, size in bytes.

    ``hosts`` holds names (port 443 only) and ``name:port``.  ``loopback``
    allows plain http to, and connections with, this machine: for the made-up
    registry of tests and demo only.  ``admit`` is called with the URL before
    each request, redirects included, and raises what should stop it; ``pause``
    with the host and the seconds whenever one asks for a pause (429), also
    where the look-up goes on without its answer.
    """

    hosts: frozenset[str]
    operator_url: str = ""
    loopback: bool = False
    connect: float = 5.0
    read: float = 10.0
    total: float = 20.0
    size: int = 1024 * 1024
    redirects: int = 5
    admit: Callable[[str], None] = _always
    pause: Callable[[str, float], None] = _unheard

    @property
    def user_agent(self) -> str:
        return f"Postern/1 (+{self.operator_url})" if self.operator_url else "Postern/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry answered, and how we came by it; ``chain`` are the URLs passed through."""

    url: str
    final_url: str
    chain: tuple[str, ...]
    status: int
    body: bytes
    sha256: str
    document: dict[str, Any]
    read_at: datetime

    @property
    def host(self) -> str:
        return urlsplit(self.final_url).hostname or ""


@dataclass(frozen=True, slots=True)
class Page:
    """A body as it came, with the headers that matter."""

    final_url: str
    chain: tuple[str, ...]
    status: int
    body: bytes
    etag: str = ""


def fetch(url: str, rules: Rules) -> Answer:
    """Ask for the RDAP object at ``url``.

    Raises ``NotFound`` (404), ``TryLater`` (429) and ``LookupFailed`` (all else).
    """
    page = get(url, rules, {"Accept": "application/rdap+json"})
    try:
        document = registry.parse(page.body)
    except Unreadable as error:
        raise LookupFailed(f"{page.final_url}: {error}") from None
    digest = hashlib.sha256(page.body).hexdigest()
    return Answer(
        url, page.final_url, page.chain, page.status, page.body, digest, document, datetime.now(UTC)
    )


def get(url: str, rules: Rules, headers: dict[str, str]) -> Page:
    """Get ``url`` by the rules; the status is 200, or 304 if ``headers`` ask for that.

    Raises as ``fetch`` does.
    """
    deadline = monotonic() + rules.total
    chain: list[str] = []
    target = url
    for _ in range(rules.redirects + 1):
        answered = _one(target, rules, headers, deadline)
        if isinstance(answered, Page):
            return replace(answered, chain=tuple(chain))
        chain.append(target)
        target = answered
    raise LookupFailed(f"{url}: more than {rules.redirects} redirects.")


def secured(url: str, rules: Rules) -> str:
    """The https form of a link: old registries write http and answer both."""
    if url.startswith("http://") and not (rules.loopback and _is_loopback_name(_hostname(url))):
        return "https://" + url.removeprefix("http://")
    return url


def permitted(url: str, rules: Rules) -> bool:
    """Whether the rules allow a request to ``url``."""
    return not _objection(url, rules)


def _objection(url: str, rules: Rules) -> str:
    """Why ``url`` must not be asked for, "" if it may."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return "is no URL"
    if not url.isascii() or not url.isprintable() or "\\" in url:
        return "has characters that a URL cannot have"
    if parts.username is not None or parts.password is not None:
        return "has a user name in it"
    if parts.scheme != "https" and not (
        parts.scheme == "http" and rules.loopback and _is_loopback_name(host)
    ):
        return "is not https"
    named = host in rules.hosts and port == PORTS["https"]
    return "" if named or f"{host}:{port}" in rules.hosts else f"leads to {host}, not allowed"


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback_name(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")


# -- One request -------------------------------------------------------------------


def _one(url: str, rules: Rules, headers: dict[str, str], deadline: float) -> Page | str:
    """One request: a page, or where a redirect leads."""
    if objection := _objection(url, rules):
        raise LookupFailed(f"{url[:200]} {objection}.")
    rules.admit(url)
    left = deadline - monotonic()
    if left <= 0:
        raise _too_late(url, rules)
    timeout = urllib3.Timeout(connect=min(rules.connect, left), read=min(rules.read, left))
    inside = rules.loopback and _is_loopback_name(_hostname(url))
    with wire.Watch(deadline, inside_allowed=inside) as watch, wire.pool(url, watch) as pool:
        try:
            response = pool.urlopen(
                "GET", wire.path(url), headers={"User-Agent": rules.user_agent, **headers},
                timeout=timeout, redirect=False, retries=False, preload_content=False,
                decode_content=False,
            )  # fmt: skip
            try:
                answered = _understood(url, response, rules)
            finally:
                response.close()
        except (HTTPError, OSError, ValueError) as error:
            if watch.rang:
                raise _too_late(url, rules) from None
            raise LookupFailed(f"{url}: {type(error).__name__}: {error}"[:300]) from None
        if watch.rang:  # the answer was cut off
            raise _too_late(url, rules)
        return answered


def _too_late(url: str, rules: Rules) -> LookupFailed:
    return LookupFailed(f"{url}: no full answer within {rules.total:g} s.")


def _understood(url: str, response: BaseHTTPResponse, rules: Rules) -> Page | str:
    status, location = response.status, response.headers.get("Location", "")
    if status in REDIRECTS and location:
        return urljoin(url, location)
    if status == 404:
        raise NotFound(url)
    if status == 429:
        wait = retry_after(response.headers.get("Retry-After", ""), datetime.now(UTC))
        rules.pause(_hostname(url), wait)
        raise TryLater(wait, _hostname(url))
    if status not in (200, 304):
        raise LookupFailed(f"{url}: status {status}.")
    body = _body(url, response, rules)
    return Page(url, (), status, body, response.headers.get("ETag", "")[:200])


def _body(url: str, response: BaseHTTPResponse, rules: Rules) -> bytes:
    """The body in pieces as they come, so that a flood is noticed early."""
    pieces, size = [], 0
    while piece := response.read1(PIECE):
        size += len(piece)
        if size > rules.size:
            raise LookupFailed(f"{url}: more than {rules.size} bytes.")
        pieces.append(piece)
    return b"".join(pieces)


def retry_after(value: str, now: datetime) -> float:
    """Seconds to wait (RFC 9110, section 10.2.3): a number or a date, at least 1, at most a day."""
    if value.strip().isdigit() and value.isascii():
        seconds = float(value.strip()[:9])
    else:
        try:
            when = parsedate_to_datetime(value)
            when = when if when.tzinfo else when.replace(tzinfo=UTC)
            seconds = (when - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            seconds = USUAL_WAIT
    return min(max(seconds, 1.0), LONGEST_WAIT)
