"""Which registry to ask: IANA's tables (RFC 9224), longest match.

A copy is bundled so that a fresh installation can show something; letters are
only written by a copy fetched within the last two days.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from escalation.prefixes import Prefix, contains
from ownership import rdap, shapes

FOLDER = Path(__file__).parent / "data" / "bootstrap"
SOURCE = "https://data.iana.org/rdap/"
SOURCE_HOST = "data.iana.org"
FILES = ("ipv4", "ipv6", "asn")
FIT_FOR_SENDING = timedelta(hours=48)  # the CAs' rule for mail to registry contacts
LAST_AUTNUM = 2**32 - 1


class BadBootstrap(Exception):
    """The file is not a bootstrap file, or an empty one: keep the copy at hand."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """One reading of IANA's tables.

    ``read_at`` is when the oldest of its files was fetched, None for the
    bundled copy.
    """

    prefixes: tuple[tuple[Prefix, tuple[str, ...]], ...]
    autnums: tuple[tuple[int, int, tuple[str, ...]], ...] = ()
    read_at: datetime | None = None

    def base_urls(self, prefix: Prefix) -> tuple[str, ...]:
        """The servers for ``prefix`` by the longest match, https only; empty if there is none."""
        matches = [(net, urls) for net, urls in self.prefixes if contains(net, prefix)]
        return max(matches, key=lambda match: match[0].prefixlen)[1] if matches else ()

    def autnum_urls(self, autnum: int) -> tuple[str, ...]:
        """The servers for an AS number; the narrowest range that holds it counts."""
        matches = [row for row in self.autnums if row[0] <= autnum <= row[1]]
        return min(matches, key=lambda row: row[1] - row[0])[2] if matches else ()

    @property
    def hosts(self) -> frozenset[str]:
        """Every host named for https, as ``rdap.Rules`` wants them."""
        urls = [url for _, row in self.prefixes for url in row]
        urls += [url for _, _, row in self.autnums for url in row]
        return frozenset(host for url in urls if (host := _host(url)))

    def age(self, now: datetime | None = None) -> timedelta | None:
        """How old the copy is; None for the bundled one, whose age says nothing."""
        return (now or datetime.now(UTC)) - self.read_at if self.read_at else None

    def fit_for_sending(self, now: datetime | None = None) -> bool:
        """Whether a recipient found with this copy may be written to."""
        age = self.age(now)
        return age is not None and age <= FIT_FOR_SENDING


def _host(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return ""
    return parts.hostname if parts.port in (None, 443) else f"{parts.hostname}:{parts.port}"


def parse(name: str, body: str | bytes) -> Bootstrap:
    """Read one of ``FILES``.  Raises ``BadBootstrap`` rather than return half a table."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadBootstrap(f"{name}: {type(error).__name__}") from None
    services = list(_services(shapes.table(document).get("services")))
    if name == "asn":
        autnums = tuple((*_autnums(entry), urls) for entry, urls in services)
        found = Bootstrap((), autnums)
    else:
        version = 4 if name == "ipv4" else 6
        found = Bootstrap(tuple((_prefix(entry, version), urls) for entry, urls in services))
    if not services:
        raise BadBootstrap(f"{name}: no services")
    return found


def _services(value: object) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Entry and URLs of every row; a row without a usable https URL counts for nothing."""
    for service in shapes.several(value):
        if not isinstance(service, list) or len(service) < 2:
            raise BadBootstrap("a service is no pair of lists")
        urls = tuple(f"{url.rstrip('/')}/" for one in shapes.several(service[1])
                     if _is_usable(url := shapes.line(one)))  # fmt: skip
        if urls:
            yield from ((shapes.line(entry), urls) for entry in shapes.several(service[0]))


def _is_usable(url: str) -> bool:
    try:
        return bool(_host(url))
    except ValueError:
        return False


def _prefix(entry: str, version: int) -> Prefix:
    try:
        prefix = ip_network(entry)
    except ValueError:
        raise BadBootstrap(f"{entry!r} is no prefix") from None
    if prefix.version != version:
        raise BadBootstrap(f"{entry} is of the other family")
    return prefix


def _autnums(entry: str) -> tuple[int, int]:
    first, _, last = entry.partition("-")
    try:
        pair = int(first), int(last or first)
    except ValueError:
        raise BadBootstrap(f"{entry!r} is no range of AS numbers") from None
    if not 0 <= pair[0] <= pair[1] <= LAST_AUTNUM:
        raise BadBootstrap(f"{entry!r} is no range of AS numbers")
    return pair


def combined(bodies: Mapping[str, str | bytes], read_at: datetime | None) -> Bootstrap:
    """One table of several files, by name; raises ``BadBootstrap``."""
    parts = [parse(name, body) for name, body in bodies.items()]
    return Bootstrap(
        tuple(row for part in parts for row in part.prefixes),
        tuple(row for part in parts for row in part.autnums),
        read_at,
    )


def bundled() -> Bootstrap:
    """The copy that came with the program: to look at, not to write by."""
    return combined({name: (FOLDER / f"{name}.json").read_bytes() for name in FILES}, None)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A newly fetched file; ``body`` is "" if the copy at hand is still the newest."""

    name: str
    body: str
    etag: str
    read_at: datetime

    @property
    def unchanged(self) -> bool:
        return not self.body


def refresh(name: str, etag: str, rules: "rdap.Rules") -> Refreshed:
    """Fetch one of ``FILES`` from IANA unless it is still what ``etag`` names.

    Raises ``BadBootstrap`` and what ``rdap.get`` raises.
    """
    headers = {"Accept": "application/json"} | ({"If-None-Match": etag} if etag else {})
    page = rdap.get(f"{SOURCE}{name}.json", rules, headers)
    now = datetime.now(UTC)
    if page.status == 304:
        return Refreshed(name, "", etag, now)
    body = page.body.decode("utf-8", "replace")
    parse(name, body)
    return Refreshed(name, body, page.etag, now)
