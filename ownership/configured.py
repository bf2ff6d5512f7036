"""The client's rules and the registries to ask, as the settings say."""

from urllib.parse import urlsplit

from django.conf import settings

from escalation.prefixes import Prefix
from ownership.bootstrap import SOURCE_HOST, Bootstrap
from ownership.rdap import Rules
from ownership.tables import TABLES

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _place(url: str) -> str:
    """Host and port of a base URL as ``Rules.hosts`` names them."""
    parts = urlsplit(url)
    usual = parts.port is None or (parts.scheme == "https" and parts.port == 443)
    host = parts.hostname or ""
    if usual and parts.scheme == "https":
        return host
    return f"{host}:{parts.port or 80}"


def rules(bootstrap: Bootstrap) -> Rules:
    """What the client may do: the hosts of IANA's tables, the national registries', the operator's.

    With ``POSTERN_RDAP_BASE`` only that one server and the operator's
    additions; plain http only if it runs on this machine.
    """
    extra = frozenset(host.lower() for host in settings.POSTERN_RDAP_EXTRA_HOSTS)
    base = settings.POSTERN_RDAP_BASE
    if base:
        loopback = urlsplit(base).hostname in LOOPBACK
        return Rules(extra | {_place(base)}, settings.POSTERN_URL, loopback=loopback)
    national = frozenset(_place(one.rdap) for one in TABLES.registries if one.rdap)
    return Rules(bootstrap.hosts | national | extra | {SOURCE_HOST}, settings.POSTERN_URL)


def base_urls(prefix: Prefix, bootstrap: Bootstrap) -> tuple[str, ...]:
    """Whom to ask about ``prefix``."""
    base = settings.POSTERN_RDAP_BASE
    return (base,) if base else bootstrap.base_urls(prefix)


def needs_bootstrap() -> bool:
    """Whether letters depend on a fresh copy of IANA's tables."""
    return not settings.POSTERN_RDAP_BASE
