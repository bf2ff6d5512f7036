"""Addresses and prefixes: parse, canonical form, sortable keys, what is public.

*Address* is one IP; *prefix* a CIDR block (RFC 4632).  Keys are 32 lower-case
hexadecimal characters of the 128-bit number, IPv4 in ``::ffff:0:0/96``, so
that text order is number order on every database.
"""

import ipaddress
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from django.utils.translation import gettext as _

from escalation.errors import Refused

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network

WIDEST = {4: 16, 6: 32}  # the widest prefix that a ticket or a listing may name
TWO_AGENTS = {4: 24, 6: 48}  # wider than this needs a second agent

# Python's ``is_global`` lets some of these through (NAT64, 6to4, multicast,
# site-local): our own list decides.  IANA special-purpose registries, RFC 6890.
NOT_PUBLIC = [
    ipaddress.ip_network(block)
    for block in (  # noqa: SIM905 -- thirty lines of list would hide the rest
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 "
        "192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 "
        "192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
        "::/8 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 "
        "2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
    ).split()
]
DOCUMENTATION = [
    ipaddress.ip_network(block)
    for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


class NotAnAddress(Refused):
    """What was given is neither an address nor a prefix."""

    code = "not-an-address"
    status = 422


def parse_prefix(text: str) -> Prefix:
    """Read an address or a prefix as people write them.

    Brackets, a ``[IPv6:…]`` literal (RFC 5321, section 4.1.3) and white space
    are taken off; ``::ffff:192.0.2.1`` becomes IPv4.  Raises ``NotAnAddress``
    with words for a zone, host bits, leading zeros and everything else.

    >>> parse_prefix("[IPv6:2001:DB8::1]")
    IPv6Network('2001:db8::1/128')
    >>> parse_prefix("192.0.2.0/24")
    IPv4Network('192.0.2.0/24')
    """
    plain = text.strip().strip("[]()<>").strip()
    if plain[:5].lower() == "ipv6:":
        plain = plain[5:]
    if "%" in plain:
        raise NotAnAddress(_why_not(plain, text))
    try:
        network = _ipv4(plain) or ipaddress.ip_network(plain)
    except ValueError:
        raise NotAnAddress(_why_not(plain, text)) from None
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network


def _ipv4(text: str) -> IPv4Network | None:
    """What is plainly an IPv4 prefix, in a third of the time that ``ipaddress`` takes; else None.

    Bulk work reads a million.  The C library takes no leading zeros either.
    """
    head, slash, length = text.partition("/")
    if slash and not (length.isascii() and length.isdigit()):
        return None
    try:
        number = int.from_bytes(socket.inet_pton(socket.AF_INET, head))
    except (OSError, ValueError):
        return None
    return IPv4Network((number, int(length) if slash else 32))


def _why_not(plain: str, text: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in text.strip()[:60])
    if "%" in plain:
        return _("“%s” has a zone (the part after %%): give the address without it.") % shown
    try:
        wide = ipaddress.ip_network(plain, strict=False)
    except ValueError:
        return _(
            "“%s” is not an IP address. Write it as in the bounce, for example "
            "198.51.100.25 or 2001:db8::25, or as a prefix, for example 198.51.100.0/24."
        ) % (shown)
    return _("“%(given)s” has bits set beyond its prefix length. Did you mean %(meant)s?") % {
        "given": shown,
        "meant": wide,
    }


def parse_address(text: str) -> Address:
    """Read one address; raises ``NotAnAddress`` for a prefix as well."""
    network = parse_prefix(text)
    if not is_single(network):
        raise NotAnAddress(_("“%s” is a prefix: give one address.") % text.strip()[:60])
    return network.network_address


def is_single(prefix: Prefix) -> bool:
    return prefix.prefixlen == prefix.max_prefixlen


def shown(prefix: Prefix) -> str:
    """The form people read: an address without its length, else the prefix."""
    return str(prefix.network_address) if is_single(prefix) else str(prefix)


def key(address: Address) -> str:
    """The sortable key of an address.

    >>> key(ipaddress.ip_address("192.0.2.1"))
    '00000000000000000000ffffc0000201'
    """
    number = int(address)
    return f"{number if address.version == 6 else number | 0xFFFF << 32:032x}"


def keys(prefix: Prefix) -> tuple[str, str]:
    """The sortable keys of the first and the last address of ``prefix``."""
    first = int(prefix.network_address)
    last = first | (1 << prefix.max_prefixlen - prefix.prefixlen) - 1
    if prefix.version == 4:
        first, last = first | 0xFFFF << 32, last | 0xFFFF << 32
    return f"{first:032x}", f"{last:032x}"


def from_key(text: str) -> Address:
    """The address of a key; the inverse of ``key``."""
    address = IPv6Address(int(text, 16))
    return address.ipv4_mapped or address


def covering(prefix: Prefix, widest: int = 0) -> list[str]:
    """The prefixes that cover ``prefix``, itself first and none wider than ``widest``, as texts.

    At most 33 or 129 texts: an index probe each, on any database.
    """
    address, bits = int(prefix.network_address), prefix.max_prefixlen
    shifts = range(bits - prefix.prefixlen, bits - widest + 1)
    return [text(address >> shift << shift, bits - shift, prefix.version) for shift in shifts]


def text(number: int, length: int, family: int) -> str:
    """The canonical text of the prefix of ``length`` that begins at ``number``.

    ``str(ip_network(...))``, many times as fast: bulk work and look-ups go through here.
    """
    if family == 4:
        return f"{socket.inet_ntoa(number.to_bytes(4))}/{length}"
    if number >> 64 == 0:  # the C library writes ::192.0.2.1 where Python writes ::c000:201
        return f"{IPv6Address(number)}/{length}"
    return f"{socket.inet_ntop(socket.AF_INET6, number.to_bytes(16))}/{length}"


def contains(outer: Prefix, inner: Prefix) -> bool:
    """Whether ``inner`` lies in ``outer``; False across families."""
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def is_public(prefix: Prefix, *, documentation_too: bool = False) -> bool:
    """Whether mail may come from all of ``prefix`` over the public Internet.

    ``documentation_too`` lets the documentation prefixes (RFC 5737, RFC 3849)
    pass, for demo mode.
    """
    if documentation_too and any(contains(block, prefix) for block in DOCUMENTATION):
        return True
    if isinstance(prefix, IPv6Network) and not contains(ipaddress.ip_network("2000::/3"), prefix):
        return False
    return not any(
        block.overlaps(prefix) for block in NOT_PUBLIC if block.version == prefix.version
    )


def too_wide(prefix: Prefix) -> bool:
    return prefix.prefixlen < WIDEST[prefix.version]


def needs_two_agents(prefix: Prefix) -> bool:
    return prefix.prefixlen < TWO_AGENTS[prefix.version]
