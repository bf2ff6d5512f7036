"""What a registry's answer says, once read: networks, contacts, and their flags."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, summarize_address_range

from escalation.prefixes import Address, Prefix


class Unreadable(Exception):
    """The body is no JSON object, so there is no answer in it to read."""


class Kind(StrEnum):
    """What the registry answered with."""

    NETWORK = "network"
    ENTITY = "entity"
    DOMAIN = "domain"
    AUTNUM = "autnum"
    HISTORY = "history"
    OTHER = "other"
    ERROR = "error"


class Flag(StrEnum):
    """What must be known before an answer is used."""

    NOT_A_NETWORK = "not_a_network"
    ERROR = "error"
    CATCH_ALL = "catch_all"
    RANGE_UNKNOWN = "range_unknown"
    REDACTED = "redacted"
    REGISTRY_CONTACTS = "registry_contacts"
    NO_CONTACT = "no_contact"


class ContactFlag(StrEnum):
    """What must be known before a contact is written to."""

    UNVALIDATED = "unvalidated"
    VALIDATED = "validated"
    INVALID = "invalid"
    REGISTRY = "registry"
    PLACEHOLDER = "placeholder"
    PERSON = "person"
    REMARK = "remark"


NEVER_WRITTEN_TO = frozenset({ContactFlag.REGISTRY, ContactFlag.PLACEHOLDER})


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """One address, with all that every entity listing it says about it.

    ``depth`` is that of the shallowest such entity (0 = the network's own);
    ``entity_handle`` names the one that gives the best role, "" if it has no
    handle or the address stands in a remark only.
    """

    email: str
    roles: tuple[str, ...]
    score: int
    flags: frozenset[ContactFlag] = frozenset()
    entity_handle: str = ""
    depth: int = 0
    kind: str = ""
    changed_at: datetime | None = None
    source: str = "rdap"
    registry: str = ""

    @property
    def may_be_written_to(self) -> bool:
        return self.flags.isdisjoint(NEVER_WRITTEN_TO)

    @property
    def is_person(self) -> bool:
        return ContactFlag.PERSON in self.flags


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """One answer of a registry, whatever its kind; ``contacts`` in asking order.

    ``first`` and ``last`` are None where the answer names no range.  The
    handles stand as the registry wrote them.
    """

    kind: Kind
    first: Address | None = None
    last: Address | None = None
    handle: str = ""
    name: str = ""
    type: str = ""
    status: tuple[str, ...] = ()
    country: str = ""
    organisation: str = ""
    org_handle: str = ""
    registrants: tuple[str, ...] = ()
    parent_handle: str = ""
    up_url: str = ""
    related_urls: tuple[str, ...] = ()
    registered_at: datetime | None = None
    changed_at: datetime | None = None
    remarks: tuple[str, ...] = ()
    redacted: bool = False
    flags: frozenset[Flag] = frozenset()
    contacts: tuple[ContactFacts, ...] = ()

    @property
    def chosen(self) -> ContactFacts | None:
        """Whom to ask first; None where the answer may choose nobody."""
        if Flag.NO_CONTACT in self.flags:
            return None
        return next((one for one in self.contacts if one.may_be_written_to), None)

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        """The range as the fewest prefixes; empty where it is unknown."""
        if self.first is None or self.last is None or Flag.RANGE_UNKNOWN in self.flags:
            return ()
        return tuple(summarize_address_range(self.first, self.last))

    def covers(self, prefix: Prefix) -> bool:
        """Whether all of ``prefix`` lies in the range."""
        if self.first is None or self.last is None or self.first.version != prefix.version:
            return False
        first, last = int(prefix.network_address), int(prefix.broadcast_address)
        return int(self.first) <= first and last <= int(self.last)

    @property
    def enclosing(self) -> Prefix | None:
        """The smallest single prefix that holds the whole range."""
        if self.first is None or self.last is None:
            return None
        differing = (int(self.first) ^ int(self.last)).bit_length()
        length = self.first.max_prefixlen - differing
        family = IPv4Network if self.first.version == 4 else IPv6Network
        return family((int(self.first), length), strict=False)
