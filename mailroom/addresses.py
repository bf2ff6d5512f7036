"""Mail addresses, host names and IP addresses as they stand in running text."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

LONGEST: Final = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets

_LOCAL = r"""(?:"[^"\n@]{1,64}"|[^\s<>()"',;:\[\]\\@]{1,128})"""
_DOMAIN = r"(?:[A-Za-z0-9\u0080-\U0010ffff_-]{1,63}\.){0,20}[A-Za-z0-9\u0080-\U0010ffff-]{1,63}"
ADDRESS: Final = rf"{_LOCAL}@(?:{_DOMAIN}|\[[0-9A-Fa-f.:]{{3,45}}\])"
FIND_ADDRESS: Final = re.compile(rf"(?P<address>{ADDRESS})")
MOST_NESTED: Final = 5  # comments within comments (RFC 5322, section 3.2.2)

_ASIDE = re.compile(r""""(?:[^"\\]|\\.){0,1000}"|\((?:[^()\\]|\\.){0,1000}\)""", re.DOTALL)
_ANGLES = re.compile(r"<([^<>]{0,400})>")
_LEFT = re.compile(r"""[<>"(),:;\\]""")
_WHOLE = re.compile(ADDRESS)
_IN_BRACKETS = re.compile(r"<([^<>\s]{1,300})>")
_HOST = re.compile(r"\[?([A-Za-z0-9][A-Za-z0-9.:_-]{0,253})")
_PORT = re.compile(r"^([^:]+):\d{1,5}$")


def mailbox(text: str) -> str:
    """The first mail address in ``text`` without brackets, or ""."""
    if "@" not in text:
        return ""
    text = text[:2000]
    for candidate in [*_IN_BRACKETS.findall(text), text]:
        found = FIND_ADDRESS.search(candidate)
        if found and len(found[0]) <= LONGEST:
            return trim(found[0])
    return ""


def author(field: str) -> str:
    """The one address of a From field (RFC 5322, section 3.6.2) in lower case.

    "" where there is none, or more than one: what stands in a display name or a remark is chosen
    by whoever writes, and is nobody's address.
    """
    text = field[:2000]
    for _ in range(MOST_NESTED):
        text, n_removed = _ASIDE.subn(" ", text)
        if not n_removed:
            break
    angles = _ANGLES.findall(text)
    beside = _ANGLES.sub("", text) if angles else ""
    if len(angles) > 1 or _LEFT.search(beside):
        return ""
    found = _WHOLE.fullmatch((angles[0] if angles else text).strip())
    if found is None or len(found[0]) > LONGEST or not found[0].isprintable():
        return ""
    return found[0].lower()


def trim(address: str) -> str:
    """Strip what running text leaves on an address."""
    address = address.strip(".,;:").removeprefix("mailto:")
    return address if address.isprintable() else "".join(c for c in address if c.isprintable())


def clean_host(text: str) -> str:
    """A host name or address literal without brackets, port, remarks and the root's dot."""
    found = _HOST.search(text.lstrip(" ([<\"'")[:300])
    if not found:
        return ""
    host = found[1]
    if port := _PORT.match(host):
        host = port[1]
    return host.rstrip(".:")


def canonical(text: str) -> str:
    """The canonical text of an IP address, IPv4 inside IPv6 as IPv4; "" if it is none."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return ""
        address = address.ipv4_mapped or address
    return str(address)
