"""The documents that are written from the code: docs/settings.md, docs/lifecycle.md."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.utils import translation

from escalation.lifecycle import Lifecycle, Transition

NOTICE = "<!-- Written by `manage.py docs`; change the code instead. -->"
DECLARED = (
    "import json; from escalation import environment, settings; "
    "print(json.dumps([[s.name, s.default, s.text] for s in environment.DOCUMENTED]))"
)


def documents() -> dict[str, str]:
    """Every generated document, by its path below the project."""
    with translation.override("en"):
        return {
            "docs/settings.md": "\n".join(settings_page()) + "\n",
            "docs/lifecycle.md": "\n".join(lifecycle_page()) + "\n",
        }


def stale(root: Path) -> list[str]:
    """The documents that no longer say what the code does."""
    return [
        path
        for path, content in documents().items()
        if not (root / path).exists() or (root / path).read_text() != content
    ]


def declared_settings() -> list[tuple[str, str, str]]:
    """Name, default and meaning, as a production service without further settings has them."""
    environ = {"PATH": os.defpath, "SECRET_KEY": "x" * 50, "PYTHONPATH": str(settings.BASE_DIR)}
    answer = subprocess.run(
        [sys.executable, "-c", DECLARED], env=environ, check=True, capture_output=True, text=True
    )
    root, found = f"{settings.BASE_DIR}/", json.loads(answer.stdout)
    return [(name, default.replace(root, ""), meaning) for name, default, meaning in found]


def settings_page() -> Iterator[str]:
    yield from (NOTICE, "", "# Settings", "")
    yield "All of them are read from the environment. Lists are separated by spaces or commas;"
    yield "yes and no may also be written true, false, on, off, 1, 0."
    yield from ("", "| Name | Default | Meaning |", "|---|---|---|")
    for name, default, text in declared_settings():
        yield f"| `{name}` | {f'`{default}`' if default else 'empty'} | {text} |"


def lifecycles() -> list[Lifecycle]:
    """Every table that a model of ours lives by."""
    found = [getattr(model, "lifecycle", None) for model in apps.get_models()]
    return [table for table in found if isinstance(table, Lifecycle)]


def lifecycle_page() -> Iterator[str]:
    yield from (NOTICE, "", "# Lifecycles", "")
    yield "Every step that anything here can take, who may take it, and what follows."
    for table in lifecycles():
        yield from ("", f"## {table.name.capitalize()}", "", "```mermaid", "stateDiagram-v2")
        yield f"    [*] --> {table.initial}"
        yield from _arrows(table)
        yield from (f"    {state} --> [*]" for state in sorted(table.final))
        yield from ("```", "", "| State | Reads |", "|---|---|")
        yield from (f"| `{state.value}` | {state.label} |" for state in table.states)
        yield from ("", "| Step | From | To | Who | Then |", "|---|---|---|---|---|")
        yield from (_row(table, step) for step in table.transitions)


def _arrows(table: Lifecycle) -> Iterator[str]:
    """One arrow for each pair of states, with every step that takes it."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for step in table.transitions:
        for source in sorted(step.sources):
            if step.target and step.target != source:
                arrows.setdefault((source, step.target), []).append(step.event)
    for (source, target), events in arrows.items():
        yield f"    {source} --> {target}: {', '.join(events)}"


def _row(table: Lifecycle, step: Transition) -> str:
    sources = ", ".join(f"`{source}`" for source in table.states.values if source in step.sources)
    target = f"`{step.target}`" if step.target else "the same"
    roles = ", ".join(sorted(role.value for role in step.roles))
    then = ["needs a note"] if step.needs_note else []
    then += [f"wakes {kind}" for kind in step.nudges]
    name = f"{table.events(step.event).label} (`{step.event}`)"
    return f"| {name} | {sources} | {target} | {roles} | {', '.join(then)} |"
