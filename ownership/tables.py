"""What is known about registries beforehand, as tables: ``ownership/data/*.toml``."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Registry:
    """A regional or national registry: its mailboxes are not an owner's.

    ``rdap`` is the server that knows a national registry's members, "" if
    there is none.
    """

    key: str
    names: tuple[str, ...]
    domains: tuple[str, ...]
    country: str = ""
    rdap: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Tiers by role and modifiers by circumstance; lower is asked earlier."""

    tiers: dict[str, int]
    modifiers: dict[str, int]
    role_words: frozenset[str]
    role_endings: tuple[str, ...]


def _plain(local_part: str) -> str:
    return local_part.translate(str.maketrans("", "", ".-_"))


@dataclass(frozen=True, slots=True)
class Placeholders:
    """Addresses behind which nobody is, and blocks that nobody holds."""

    addresses: frozenset[str]
    addresses_unless_held: frozenset[str]
    local_parts: frozenset[str]  # without dots, hyphens and underscores
    unread_words: tuple[str, ...]
    hidden_names: frozenset[str]
    names: tuple[str, ...]
    types: tuple[str, ...]
    statuses: frozenset[str]

    def is_unread(self, local_part: str, domain: str) -> bool:
        """Whether nobody reads that mailbox, by its name; ``.invalid`` never exists (RFC 2606)."""
        plain = _plain(local_part)
        return (
            plain in self.local_parts
            or plain.startswith(self.unread_words)
            or plain.endswith(self.unread_words)
            or domain.endswith(".invalid")
        )

    def is_block(self, name: str, type_: str, statuses: tuple[str, ...]) -> bool:
        """Whether a network of that name, type and status stands for "not registered here"."""
        return (
            _matches(name, self.names)
            or _matches(type_, self.types)
            or not self.statuses.isdisjoint(statuses)
        )


@dataclass(frozen=True, slots=True)
class Tables:
    registries: tuple[Registry, ...]
    placeholders: Placeholders
    ranking: Ranking

    def registry_of(self, email: str) -> Registry | None:
        """The registry in whose mail domain ``email`` lies."""
        host = email.rpartition("@")[2].casefold()
        for registry in self.registries:
            if any(host == domain or host.endswith(f".{domain}") for domain in registry.domains):
                return registry
        return None


def _matches(value: str, patterns: tuple[str, ...]) -> bool:
    plain = value.casefold().replace("_", " ").strip()
    return any(fnmatchcase(plain, pattern) for pattern in patterns)


def _read(name: str, folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))


def load(folder: Path = FOLDER) -> Tables:
    """Read the tables; a fault in a file is the operator's and stops the start."""
    ranking, holes = _read("ranking", folder), _read("placeholders", folder)
    return Tables(
        registries=tuple(
            Registry(
                key,
                tuple(name.casefold() for name in row["names"]),
                tuple(row["domains"]),
                row.get("country", ""),
                row.get("rdap", ""),
            )
            for key, row in _read("registries", folder).items()
        ),
        placeholders=Placeholders(
            frozenset(holes["addresses"]),
            frozenset(holes["addresses_unless_held"]),
            frozenset(map(_plain, holes["local_parts"])),
            tuple(holes["unread_words"]),
            frozenset(holes["hidden_names"]),
            tuple(holes["names"]),
            tuple(holes["types"]),
            frozenset(holes["statuses"]),
        ),
        ranking=Ranking(
            ranking["tiers"],
            ranking["modifiers"],
            frozenset(ranking["role_mailbox"]["words"]),
            tuple(ranking["role_mailbox"]["endings"]),
        ),
    )


TABLES = load()
