"""Rules of the house that a reader would otherwise have to trust."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = (
    "abuse", "customers", "delisting", "escalation", "guide", "listings", "mailroom", "ownership",
    "tickets", "traffic",
)  # fmt: skip
LONGEST = 400  # lines
DRAWERS = {"utils", "helpers", "common", "misc", "signals"}

Finding = tuple[str, int]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders or APPS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports_of(path: Path, package: str) -> Iterator[int]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        if any(module == package or module.startswith(f"{package}.") for module in modules):
            yield node.lineno


def importers(package: str) -> set[str]:
    return {name(path) for path in sources() if any(imports_of(path, package))}


def writes_of_state(path: Path) -> Iterator[int]:
    """Lines that assign ``.state`` to an attribute or hand ``state=`` to an update."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.Assign(targets=targets):
                attributes = [part for target in targets for part in ast.walk(target)]
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                attributes = [target]
            case ast.Call(func=ast.Attribute(attr="update" | "bulk_update"), keywords=keywords):
                if any(keyword.arg == "state" for keyword in keywords):
                    yield node.lineno
                continue
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value="state"), _]):
                yield node.lineno
                continue
            case _:
                continue
        yield from (
            part.lineno
            for part in attributes
            if isinstance(part, ast.Attribute) and part.attr == "state"
        )


def test_a_state_is_assigned_in_one_place() -> None:
    found = [name(path) for path in sources() for _ in writes_of_state(path)]
    assert found == ["escalation/lifecycle.py"]


def test_the_queue_has_one_door_in_and_one_window() -> None:
    assert importers("django_q") == {
        "escalation/queue.py",  # puts messages in
        "escalation/cluster.py",  # starts the workers and watches them
    }


def test_mail_leaves_by_the_mailroom_alone() -> None:
    strangers = importers("django.core.mail") | importers("smtplib")
    strangers -= {"listings/sinks/postfix/receipt.py"}  # it asks to be refused, and sends nothing
    assert {path for path in strangers if not path.startswith("mailroom/")} == set()


@pytest.mark.parametrize("path", list(sources(*APPS, "tests", "bench")), ids=name)
def test_no_file_is_longer_than_a_person_reads(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


def test_there_is_no_drawer_for_everything() -> None:
    assert [name(path) for path in sources() if path.stem in DRAWERS] == []


@pytest.mark.parametrize("path", list(sources()), ids=name)
def test_nothing_is_imported_inside_a_function(path: Path) -> None:
    hidden = [
        inner.lineno
        for outer in ast.walk(tree(path))
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_no_domain_logic_hides_in_signals() -> None:
    own = {"escalation/cluster.py"}  # it listens to the job queue, not to our own rows
    assert importers("django.dispatch") | importers("django.db.models.signals") <= own


def test_every_app_stands_on_the_floor_plan() -> None:
    plan = (ROOT / "pyproject.toml").read_text()
    rooms = {path.parent.name for path in ROOT.glob("*/apps.py")}
    assert rooms == set(APPS)
    assert all(f'"{room}"' in plan for room in rooms)
