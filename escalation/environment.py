"""Settings from the environment, each declared once with its default and meaning.

``docs/settings.md`` is generated from what is declared here.
"""

import os
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable that the operator may set."""

    name: str
    default: str
    text: str


DOCUMENTED: list[Setting] = []


def text(name: str, default: str, meaning: str) -> str:
    """Declare a setting and read it as text."""
    DOCUMENTED.append(Setting(name, default, meaning))
    return os.environ.get(name, default)


def flag(name: str, default: bool, meaning: str) -> bool:
    """Declare a yes-or-no setting; raises ``ImproperlyConfigured`` for anything else."""
    value = text(name, "yes" if default else "no", meaning).strip().lower()
    if value in {"yes", "true", "on", "1"}:
        return True
    if value in {"no", "false", "off", "0", ""}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}: say yes or no.")


def number(name: str, default: int, meaning: str, *, least: int = 0) -> int:
    """Declare a whole number of at least ``least``."""
    value = text(name, str(default), meaning)
    if not value.strip().isdigit() or int(value) < least:
        raise ImproperlyConfigured(f"{name} is {value!r}: a whole number from {least} is needed.")
    return int(value)


def words(name: str, default: str, meaning: str) -> list[str]:
    """Declare a list, separated by commas or white space."""
    return text(name, default, meaning).replace(",", " ").split()
