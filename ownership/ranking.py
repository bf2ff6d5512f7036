"""Whom to ask first: score, order and choice among an answer's contacts."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from ownership.facts import ContactFacts, ContactFlag
from ownership.tables import TABLES, Tables

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
NOT_LETTERS = re.compile(r"[^a-z]+")
NAME_SHAPE = re.compile(r"[a-z]+(-[a-z]+)?([._][a-z]+(-[a-z]+)?){1,2}")
WEIGHED = (ContactFlag.VALIDATED, ContactFlag.PERSON, ContactFlag.UNVALIDATED, ContactFlag.INVALID)


def local_part(email: str) -> str:
    return email.rpartition("@")[0].casefold()


def is_role_mailbox(email: str, tables: Tables = TABLES) -> bool:
    """Whether the local part holds a word that names a task, not a person.

    >>> is_role_mailbox("arin-contact@hosting.example")
    True
    >>> is_role_mailbox("zzdnsr@hosting.example")
    False
    """
    words = NOT_LETTERS.split(local_part(email))
    return any(
        word in tables.ranking.role_words or word.endswith(tables.ranking.role_endings)
        for word in words
        if word
    )


def looks_like_a_name(email: str, tables: Tables = TABLES) -> bool:
    """Whether the local part is like ``first.last``.

    >>> looks_like_a_name("sam.other-person@hosting.example")
    True
    >>> looks_like_a_name("abuse.team@hosting.example")
    False
    """
    return bool(NAME_SHAPE.fullmatch(local_part(email))) and not is_role_mailbox(email, tables)


def tier(roles: Iterable[str], tables: Tables = TABLES) -> int:
    """The best tier of the roles; a role that the table does not know counts as unknown."""
    tiers = tables.ranking.tiers
    return min((tiers.get(role, tiers["unknown"]) for role in roles), default=tiers["unknown"])


def score(
    email: str, roles: Iterable[str], flags: Iterable[ContactFlag], tables: Tables = TABLES
) -> int:
    """Ten times the tier, then the modifiers; lower is asked earlier."""
    modifiers, held = tables.ranking.modifiers, frozenset(flags)
    total = 10 * tier(roles, tables) + sum(modifiers[flag] for flag in WEIGHED if flag in held)
    return total + (modifiers["role_mailbox"] if is_role_mailbox(email, tables) else 0)


def order(contacts: Iterable[ContactFacts]) -> tuple[ContactFacts, ...]:
    """The contacts in asking order; what the ties leave equal keeps its place."""
    return tuple(sorted(contacts, key=_place))


def _place(contact: ContactFacts) -> tuple[int, int, float, int, bool]:
    changed = ((contact.changed_at or LONG_AGO) - LONG_AGO).total_seconds()
    return (
        contact.score,
        contact.depth,
        -changed,
        _distance_from_abuse(contact.email),
        looks_like_a_name(contact.email),
    )


def _distance_from_abuse(email: str) -> int:
    local = local_part(email)
    if local == "abuse":
        return 0
    return 1 if any(word.endswith("abuse") for word in NOT_LETTERS.split(local)) else 2


def choose(contacts: Iterable[ContactFacts]) -> ContactFacts | None:
    """The first that may be written to; the contacts need not be in order yet."""
    return next((one for one in order(contacts) if one.may_be_written_to), None)


def together(contacts: Iterable[ContactFacts], first: ContactFacts) -> tuple[ContactFacts, ...]:
    """``first`` and the other addresses of its abuse entity: one letter, one attempt."""
    if "abuse" not in first.roles or not first.entity_handle:
        return (first,)
    mates = (
        one
        for one in contacts
        if one.email != first.email
        and one.entity_handle == first.entity_handle
        and "abuse" in one.roles
        and one.may_be_written_to
    )
    return (first, *mates)


def why(contact: ContactFacts, tables: Tables = TABLES) -> str:
    """The score in words, for agents and the command line."""
    modifiers = tables.ranking.modifiers
    parts = [f"{', '.join(contact.roles)} (tier {tier(contact.roles, tables)})"]
    if is_role_mailbox(contact.email, tables):
        parts.append(f"role mailbox {modifiers['role_mailbox']:+d}")
    parts += [f"{flag} {modifiers[flag]:+d}" for flag in WEIGHED if flag in contact.flags]
    if ContactFlag.REGISTRY in contact.flags:
        parts.append("belongs to a registry: never written to")
    if ContactFlag.PLACEHOLDER in contact.flags:
        parts.append("a placeholder: never written to")
    return "; ".join(parts)
