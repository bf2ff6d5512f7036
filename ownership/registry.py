"""Reads a registry's RDAP answer (RFC 9083), in every dialect, old and new.

Patient with shapes, strict with addresses: an answer of any kind becomes
``NetworkFacts``; its flags say whether it may be used, and for what.
"""

import json
import re
from typing import Any

from escalation.prefixes import Address
from ownership import contacts, shapes
from ownership.contacts import Party
from ownership.facts import (
    ContactFacts,
    ContactFlag,
    Flag,
    Kind,
    NetworkFacts,
    Unreadable,
)
from ownership.tables import TABLES, Tables

__all__ = [
    "ContactFacts",
    "ContactFlag",
    "Flag",
    "Kind",
    "NetworkFacts",
    "Unreadable",
    "parse",
    "read",
]

CLASSES = {
    "ipnetwork": Kind.NETWORK,
    "network": Kind.NETWORK,
    "entity": Kind.ENTITY,
    "domain": Kind.DOMAIN,
    "autnum": Kind.AUTNUM,
    "nameserver": Kind.OTHER,
    "error": Kind.ERROR,
}
# What gives an answer without objectClassName away; the first hit counts.
TELLING: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (Kind.ERROR, ("errorCode",)),
    (Kind.HISTORY, ("records",)),
    (Kind.AUTNUM, ("startAutnum", "endAutnum")),
    (Kind.DOMAIN, ("ldhName", "unicodeName", "secureDNS")),
    (Kind.NETWORK, ("startAddress", "endAddress", "ipVersion", "cidr0_cidrs")),
    (Kind.ENTITY, ("vcardArray", "roles")),
    (Kind.OTHER, ("ipSearchResults", "entitySearchResults", "domainSearchResults",
                  "networks", "entities", "handle")),
    (Kind.ERROR, ("title", "description", "error", "errors", "message", "detail", "httpCode")),
)  # fmt: skip
WIDEST_ADDRESSES = {4: 2**24, 6: 2**116 - 1}  # a v4 /8 may be someone's, a v6 /12 is a registry's
FAMILIES = (("v4prefix", 4), ("v6prefix", 6))
UP_LINKS = ({"rdap-up", "rdap-active"}, {"rdap-up"}, {"up"})
JSON_TYPES = ("", "application/rdap+json", "application/json")


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body``; raises ``Unreadable`` if there is none."""
    try:
        document = json.loads(_decoded(body), strict=False)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"The registry's answer is no JSON: {type(error).__name__}.") from None
    if not isinstance(document, dict):
        raise Unreadable("The registry's answer is no JSON object.")
    return document


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1")  # old LACNIC servers; every byte means something


def read(document: object, tables: Tables = TABLES) -> NetworkFacts:
    """What an answer says.  Raises ``Unreadable`` if it is no JSON object, and nothing else."""
    if not isinstance(document, dict):
        raise Unreadable("The registry's answer is no JSON object.")
    kind = _kind(document)
    if kind is Kind.ERROR:
        return NetworkFacts(kind, flags=frozenset({Flag.ERROR, Flag.NO_CONTACT}))
    found = _parties(document, kind)
    remarks = shapes.remarks(document)
    people = contacts.listed(found, remarks if kind is Kind.NETWORK else [], tables)
    if kind is Kind.NETWORK:
        return _network(document, found, remarks, people, tables)
    return NetworkFacts(
        kind,
        handle=shapes.line(document.get("handle")),
        name=shapes.line(document.get("name")),
        redacted=_is_redacted(document),
        changed_at=shapes.changed(document),
        registered_at=shapes.event(document, "registration"),
        flags=_common_flags(document, people) | {Flag.NOT_A_NETWORK, Flag.NO_CONTACT},
        contacts=people,
    )


def _kind(document: dict[str, Any]) -> Kind:
    """Which kind of object an answer is, by its class or by what only that kind has."""
    plain = re.sub(r"[^a-z]", "", shapes.line(document.get("objectClassName")).casefold())
    if plain in CLASSES:
        return CLASSES[plain]
    return next(
        (kind for kind, keys in TELLING if any(key in document for key in keys)), Kind.OTHER
    )


def _parties(document: dict[str, Any], kind: Kind) -> list[Party]:
    if kind is Kind.ENTITY:
        return [contacts.itself(document), *contacts.parties(document)]
    if kind is Kind.HISTORY:
        contents = (one.get("content") for one in shapes.tables(document.get("records")))
        entities = [
            entity
            for content in contents
            for entity in shapes.tables(shapes.table(content).get("entities"))
        ]
        return contacts.parties({"entities": entities})
    return contacts.parties(document)


def _network(
    document: dict[str, Any],
    found: list[Party],
    remarks: list[tuple[str, str]],
    people: tuple[ContactFacts, ...],
    tables: Tables,
) -> NetworkFacts:
    first, last = _range(document)
    name, type_ = shapes.line(document.get("name")), shapes.line(document.get("type"))
    status = shapes.words(document.get("status"))
    flags = set(_common_flags(document, people))
    if _is_too_wide(first, last) or tables.placeholders.is_block(name, type_, status):
        flags.add(Flag.CATCH_ALL)
    if first is None or (first == last and not _cidrs(document)):
        flags.add(Flag.RANGE_UNKNOWN)
    if Flag.CATCH_ALL in flags or not any(one.may_be_written_to for one in people):
        flags.add(Flag.NO_CONTACT)
    holder = _holder(found, tables)
    return NetworkFacts(
        kind=Kind.NETWORK,
        first=first,
        last=last,
        handle=shapes.line(document.get("handle")),
        name=name,
        type=type_,
        status=status,
        country=_country(document),
        organisation=_organisation(holder, tables),
        org_handle=holder.handle if holder else "",
        registrants=tuple(one.handle for one in found if one.holds_network and one.handle),
        parent_handle=shapes.line(document.get("parentHandle")),
        up_url=_up_url(document),
        related_urls=_related_urls(document),
        registered_at=shapes.event(document, "registration"),
        changed_at=shapes.changed(document),
        remarks=tuple(text for _, text in remarks if text),
        redacted=Flag.REDACTED in flags,
        flags=frozenset(flags),
        contacts=people,
    )


def _common_flags(document: dict[str, Any], people: tuple[ContactFacts, ...]) -> frozenset[Flag]:
    flags = set()
    if _is_redacted(document):
        flags.add(Flag.REDACTED)
    if any(ContactFlag.REGISTRY in one.flags for one in people):
        flags.add(Flag.REGISTRY_CONTACTS)
    return frozenset(flags)


def _is_redacted(document: dict[str, Any]) -> bool:
    """Whether the registry says (RFC 9537) that it hides something."""
    return any(shapes.tables(document.get("redacted")))


# -- The range ---------------------------------------------------------------------


def _range(document: dict[str, Any]) -> tuple[Address, Address] | tuple[None, None]:
    """First and last address: as given, else from the CIDRs, else from the handle."""
    first, last = document.get("startAddress"), document.get("endAddress")
    given = _ordered(shapes.address(first), shapes.address(last))
    if given:
        return given
    return _span(_cidrs(document)) or _from_handle(shapes.line(document.get("handle")))


def _ordered(first: Address | None, last: Address | None) -> tuple[Address, Address] | None:
    if first is None or last is None or first.version != last.version or int(first) > int(last):
        return None
    return first, last


def _cidrs(document: dict[str, Any]) -> list[tuple[Address, int]]:
    """The prefixes of the ``cidr0`` extension, as address and length."""
    found = []
    for one in shapes.tables(document.get("cidr0_cidrs")):
        for key, version in FAMILIES:
            start, length = shapes.address(one.get(key)), _length(one.get("length"))
            if start is None or start.version != version or not isinstance(length, int):
                continue
            if 0 <= length <= start.max_prefixlen:
                found.append((start, length))
    return found


def _length(value: object) -> object:
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,3}", value) else value


def _span(cidrs: list[tuple[Address, int]]) -> tuple[Address, Address] | None:
    if not cidrs or len({start.version for start, _ in cidrs}) > 1:
        return None
    family = type(cidrs[0][0])
    first = min(int(start) for start, _ in cidrs)
    last = max(int(start) | (1 << start.max_prefixlen - length) - 1 for start, length in cidrs)
    return family(first), family(last)


def _from_handle(handle: str) -> tuple[Address, Address] | tuple[None, None]:
    """``192.0.2.0 - 192.0.2.255`` (RIPE, APNIC, AFRINIC) or ``192.0.2/24`` (LACNIC)."""
    left, dash, right = handle.partition(" - ")
    if dash:
        return _ordered(shapes.address(left), shapes.address(right)) or (None, None)
    start, slash, length = handle.partition("/")
    address = shapes.address(start) if slash else None
    if address is None or not re.fullmatch(r"\d{1,3}", length, re.ASCII):
        return None, None
    if int(length) > address.max_prefixlen:
        return None, None
    return _span([(address, int(length))]) or (None, None)


def _is_too_wide(first: Address | None, last: Address | None) -> bool:
    """Wider than anybody holds: v4 beyond a /8, v6 a /12 or more."""
    if first is None or last is None:
        return False
    return int(last) - int(first) + 1 > WIDEST_ADDRESSES[first.version]


# -- The holder --------------------------------------------------------------------


def _holder(found: list[Party], tables: Tables) -> Party | None:
    """The entity that holds the network: an organisation before anybody else.

    A registrant counts; where no entity has a role at all (old AFRINIC), an
    organisation does.
    """
    registrants = [one for one in found if one.holds_network]
    if not registrants and not any(one.roles for one in found):
        registrants = [one for one in found if one.card.kind == "org"]

    def place(party: Party) -> tuple[bool, bool, bool]:
        kind = party.card.kind
        return not _organisation(party, tables), kind != "org", kind == "individual"

    return min(registrants, key=place, default=None)


def _organisation(holder: Party | None, tables: Tables) -> str:
    """The holder's name; for a person, that of the organisation on their card."""
    if holder is None:
        return ""
    card, hidden = holder.card, {*tables.placeholders.hidden_names, holder.handle.casefold()}
    names = [card.organisation] if card.kind == "individual" else [card.name, card.organisation]
    return next((name for name in names if name and name.casefold() not in hidden), "")


def _country(document: dict[str, Any]) -> str:
    code = shapes.line(document.get("country"))[:2].upper()
    return code if re.fullmatch(r"[A-Z]{2}", code) else ""


# -- Links -------------------------------------------------------------------------


def _links(document: dict[str, Any]) -> list[tuple[set[str], str, str]]:
    """Relations, address and type of every link; ``rel`` is a list with spaces (RFC 9910)."""
    found = []
    for link in shapes.tables(document.get("links")):
        relations = {word for one in shapes.words(link.get("rel")) for word in one.split()}
        href = shapes.text(link.get("href")).replace(" ", "%20")
        if href and relations:
            found.append((relations, href, shapes.line(link.get("type")).casefold()))
    return found


def _up_url(document: dict[str, Any]) -> str:
    """Where the registry shows the parent network, "" if it does not say."""
    links = [(rel, href) for rel, href, type_ in _links(document) if type_ in JSON_TYPES]
    own = {href for rel, href in links if "self" in rel}
    for wanted in UP_LINKS:
        for relations, href in links:
            if wanted <= relations and href not in own:
                return href
    return ""


def _related_urls(document: dict[str, Any]) -> tuple[str, ...]:
    """Other registries' answers about this network: a national registry's, above all."""
    return tuple(
        dict.fromkeys(
            href
            for relations, href, type_ in _links(document)
            if "related" in relations and type_ in JSON_TYPES
        )
    )
