"""The entities of an answer, at any depth, and the addresses they list.

Registries nest entities, repeat them with other roles, and put what they know
about an address into remarks.  So: one party per handle, one contact per
address, with the union of what all of them say.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ownership import mailboxes, ranking, shapes
from ownership.facts import ContactFacts, ContactFlag
from ownership.tables import Registry, Tables

DEEPEST = 8  # registries nest three deep
MOST = 5000  # entities; an answer of 1 MiB has room for no more than that many real ones

MAINTAINER = re.compile(r".+-MNT\d*|MNT-\D.*|MAINT-.+", re.IGNORECASE)
UNVALIDATED = re.compile(
    r"\bunvalidated\b|\b(?:not|never)(?: \w{1,20}){0,3} validated\b|no response from the poc",
    re.IGNORECASE,
)
INVALID = re.compile(
    r"\b(?:is|are|was|were|as|been) (?:suspected to be )?(?:invalid|bouncing)\b"
    r"|\bvalidation (?:has )?failed\b|\bfailed validation\b|\binvalid e-?mail\b",
    re.IGNORECASE,
)
VALIDATED = re.compile(r"\b(?:was|been|is) (?:successfully )?validated\b", re.IGNORECASE)


@dataclass(slots=True)
class Card:
    """What a jCard (RFC 7095) says; ``emails`` with their ``type`` parameters."""

    kind: str = ""
    name: str = ""
    organisation: str = ""
    emails: dict[str, set[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Party:
    """One entity, with all its copies in the answer put together."""

    handle: str
    depth: int
    roles: dict[str, None] = field(default_factory=dict)  # a set that keeps its order
    statuses: set[str] = field(default_factory=set)
    card: Card = field(default_factory=Card)
    remarks: list[tuple[str, str]] = field(default_factory=list)
    changed_at: datetime | None = None
    named_by_network: bool = False  # as registrant; a nested entity's role is towards its parent

    @property
    def is_maintainer(self) -> bool:
        """RIPE shows the keepers of a record (``*-MNT``) as registrants of kind individual."""
        return bool(MAINTAINER.fullmatch(self.handle)) and self.card.kind != "org"

    @property
    def is_registrant(self) -> bool:
        return "registrant" in self.roles and not self.is_maintainer

    @property
    def holds_network(self) -> bool:
        return self.named_by_network and not self.is_maintainer

    @property
    def unvalidated(self) -> bool:
        return any(
            UNVALIDATED.search(title) or (not _addresses(text) and UNVALIDATED.search(text))
            for title, text in self.remarks
        )

    @property
    def invalid(self) -> bool:
        return any(not _addresses(text) and INVALID.search(text) for _, text in self.remarks)


def _addresses(text: str) -> list[str]:
    return list(mailboxes.in_text(text))


def parties(document: dict[str, Any]) -> list[Party]:
    """All entities below ``document``, the shallow ones first, one per handle."""
    found: dict[str, Party] = {}
    waiting = deque((one, 0) for one in shapes.tables(document.get("entities")))
    for number in range(MOST):
        if not waiting:
            break
        entity, depth = waiting.popleft()
        handle = shapes.line(entity.get("handle"))
        key = handle.casefold() or f"\n{number}"
        party = found.setdefault(key, Party(handle, depth))
        _add(party, entity)
        if depth == 0 and "registrant" in shapes.words(entity.get("roles")):
            party.named_by_network = True
        if depth < DEEPEST:
            waiting.extend((one, depth + 1) for one in shapes.tables(entity.get("entities")))
    return list(found.values())


def itself(entity: dict[str, Any]) -> Party:
    """The entity that is the whole answer."""
    party = Party(shapes.line(entity.get("handle")), 0)
    _add(party, entity)
    return party


def _add(party: Party, entity: dict[str, Any]) -> None:
    party.roles |= dict.fromkeys(shapes.words(entity.get("roles")))
    party.statuses |= set(shapes.words(entity.get("status")))
    party.remarks += shapes.remarks(entity)
    changed = shapes.changed(entity)
    if changed and (party.changed_at is None or changed > party.changed_at):
        party.changed_at = changed
    card = _card(entity.get("vcardArray"))
    party.card.kind = party.card.kind or card.kind
    party.card.name = party.card.name or card.name
    party.card.organisation = party.card.organisation or card.organisation
    for email, types in card.emails.items():
        party.card.emails.setdefault(email, set()).update(types)


def _card(value: object) -> Card:
    card = Card()
    for rows in shapes.several(value):
        for row in rows if isinstance(rows, list) else []:
            if not isinstance(row, list) or len(row) < 4:
                continue
            name, values = shapes.line(row[0]).casefold(), row[3:]
            if name in ("email", "e-mail"):
                types = set(shapes.words(shapes.table(row[1]).get("type")))
                for email in _emails(values):
                    card.emails.setdefault(email, set()).update(types)
            elif name == "kind":
                card.kind = card.kind or _first(values).casefold()
            elif name == "fn":
                card.name = card.name or _first(values)
            elif name == "org":
                card.organisation = card.organisation or _first(values)
    return card


def _flat(values: list[Any]) -> list[Any]:
    """A jCard value may be a text or, if structured, a list of them."""
    return [part for one in values for part in (one if isinstance(one, list) else [one])]


def _first(values: list[Any]) -> str:
    return next((word for one in _flat(values) if (word := shapes.line(one))), "")


def _emails(values: list[Any]) -> list[str]:
    return [email for one in _flat(values) for email in mailboxes.all_of(shapes.text(one))]


def holders(found: list[Party], tables: Tables) -> frozenset[str]:
    """Keys of the registries that hold the network themselves.

    Only a registrant proves it: by the registry's name, or by an address in
    its domain that is no placeholder.
    """
    keys = set()
    for party in found:
        if not party.holds_network:
            continue
        for email in party.card.emails:
            registry = tables.registry_of(email)
            if registry and email not in tables.placeholders.addresses:
                keys.add(registry.key)
        names = f"{party.card.name}\n{party.card.organisation}".casefold()
        keys |= {registry.key for registry in tables.registries if _named(registry, names)}
    return frozenset(keys)


def _named(registry: Registry, names: str) -> bool:
    return any(
        re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", names) for name in registry.names
    )


def listed(
    found: list[Party], network_remarks: list[tuple[str, str]], tables: Tables
) -> tuple[ContactFacts, ...]:
    """One contact per address, in asking order."""
    verdicts = _verdicts([*network_remarks, *(one for party in found for one in party.remarks)])
    held = holders(found, tables)
    by_email: dict[str, list[Party]] = {}
    for party in found:
        for email in party.card.emails:
            by_email.setdefault(email, []).append(party)
    contacts = [
        _contact(email, listers, verdicts.get(email, frozenset()), held, tables)
        for email, listers in by_email.items()
    ]
    in_remarks = dict.fromkeys(
        email for _, text in network_remarks for email in mailboxes.in_text(text)
    )
    contacts += [
        _from_remark(email, verdicts.get(email, frozenset()), held, tables)
        for email in in_remarks
        if email not in by_email
    ]
    return ranking.order(contacts)


def _verdicts(remarks: list[tuple[str, str]]) -> dict[str, frozenset[ContactFlag]]:
    """What remarks say of single addresses: "... was validated on", "... is invalid"."""
    verdicts: dict[str, frozenset[ContactFlag]] = {}
    for _, text in remarks:
        for line in text.splitlines():
            if verdict := _verdict(line):
                for email in mailboxes.in_text(line):
                    verdicts[email] = verdicts.get(email, frozenset()) | {verdict}
    return verdicts


def _verdict(line: str) -> ContactFlag | None:
    if INVALID.search(line):
        return ContactFlag.INVALID
    if UNVALIDATED.search(line):
        return ContactFlag.UNVALIDATED
    return ContactFlag.VALIDATED if VALIDATED.search(line) else None


def _roles(email: str, party: Party) -> dict[str, None]:
    roles = {role: None for role in party.roles if role != "registrant" or party.is_registrant}
    if "abuse" in party.card.emails[email]:
        roles["abuse"] = None
    return roles or {"unknown": None}


def _contact(
    email: str,
    listers: list[Party],
    verdict: frozenset[ContactFlag],
    held: frozenset[str],
    tables: Tables,
) -> ContactFacts:
    roles: dict[str, None] = {}
    for party in listers:
        roles |= _roles(email, party)
    if len(roles) > 1:
        roles.pop("unknown", None)
    best = min(listers, key=lambda party: (ranking.tier(_roles(email, party), tables), party.depth))
    flags = set(verdict) | _own_flags(email, held, tables) | _shared_flags(listers)
    people = [one for one in listers if one.card.kind == "individual" and not one.is_maintainer]
    if people and not ranking.is_role_mailbox(email, tables):
        flags.add(ContactFlag.PERSON)
    return ContactFacts(
        email=email,
        roles=tuple(roles),
        score=ranking.score(email, roles, flags, tables),
        flags=frozenset(flags),
        entity_handle=best.handle,
        depth=min(party.depth for party in listers),
        kind=best.card.kind,
        changed_at=max((one.changed_at for one in listers if one.changed_at), default=None),
        registry=_registry_key(email, tables),
    )


def _shared_flags(listers: list[Party]) -> set[ContactFlag]:
    flags = set()
    if any("validated" in party.statuses for party in listers):
        flags.add(ContactFlag.VALIDATED)
    if all(party.unvalidated for party in listers):
        flags.add(ContactFlag.UNVALIDATED)
    if all(party.invalid for party in listers):
        flags.add(ContactFlag.INVALID)
    return flags


def _registry_key(email: str, tables: Tables) -> str:
    registry = tables.registry_of(email)
    return registry.key if registry else ""


def _own_flags(email: str, held: frozenset[str], tables: Tables) -> set[ContactFlag]:
    """Whether the address belongs to a registry that does not hold the network, or to nobody."""
    flags, key = set(), _registry_key(email, tables)
    if key and key not in held:
        flags.add(ContactFlag.REGISTRY)
    holes = tables.placeholders
    unread = holes.is_unread(ranking.local_part(email), email.rpartition("@")[2])
    if email in holes.addresses or unread:
        flags.add(ContactFlag.PLACEHOLDER)
    if email in holes.addresses_unless_held and key not in held:
        flags.add(ContactFlag.PLACEHOLDER)
    return flags


def _from_remark(
    email: str, verdict: frozenset[ContactFlag], held: frozenset[str], tables: Tables
) -> ContactFacts:
    flags = {ContactFlag.REMARK, *verdict} | _own_flags(email, held, tables)
    return ContactFacts(
        email=email,
        roles=("remark",),
        score=ranking.score(email, ["remark"], flags, tables),
        flags=frozenset(flags),
        source="rdap_remark",
        registry=_registry_key(email, tables),
    )
