"""Hooks: the operator's own programs, run after a publication; nobody at the desk brings one in."""

import os
import time
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from customers.models import User
from escalation.errors import TryAgainLater
from listings.models import Publication, Receipt, Sink
from listings.sinks import push
from tests.listings.factories import let_in, make_listing, publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def hooks(settings: Settings, tmp_path: Path) -> Path:
    folder = tmp_path / "hooks"
    folder.mkdir()
    settings.POSTERN_PUSH_DIR = str(folder)
    return folder


def make_hook(hooks: Path, body: str, name: str = "reload") -> Path:
    path = hooks / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def sink(db: None, own_feeds: Path) -> Sink:
    own_feeds.mkdir()
    return Sink.objects.create(name="mx1; touch x", kind="plain", push="reload")


def test_it_is_told_kind_name_and_serial_and_no_shell_reads_them(
    hooks: Path, sink: Sink, own_feeds: Path
) -> None:
    make_hook(hooks, 'printf "%s\\n" "$@" > told; pwd >> told')

    push.run(sink, Publication(serial=42))

    assert (own_feeds / "told").read_text().splitlines() == [
        "plain", "mx1; touch x", "42", str(own_feeds)
    ]  # fmt: skip
    assert not (own_feeds / "x").exists()


def test_it_sees_nothing_of_our_environment(
    hooks: Path, sink: Sink, own_feeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_HOST_PASSWORD", "secret")
    make_hook(hooks, "env > told")

    push.run(sink, Publication(serial=1))

    told = (own_feeds / "told").read_text()
    assert "SECRET_KEY" not in told
    assert "secret" not in told
    assert "DATABASE_URL" not in told


@pytest.mark.parametrize("name", ["missing", "../reload", "/bin/true", "not-executable", "folder"])
def test_only_programs_of_the_folder_are_run(hooks: Path, sink: Sink, name: str) -> None:
    make_hook(hooks.parent, "true")
    make_hook(hooks, "true", "not-executable").chmod(0o644)
    (hooks / "folder").mkdir()
    sink.push = name

    with pytest.raises(TryAgainLater, match="not in POSTERN_PUSH_DIR"):
        push.run(sink, Publication(serial=1))


def test_without_a_folder_there_is_no_hook(settings: Settings, sink: Sink) -> None:
    settings.POSTERN_PUSH_DIR = ""

    assert push.hooks() == []
    with pytest.raises(TryAgainLater):
        push.run(sink, Publication(serial=1))


def test_one_that_fails_is_quoted(hooks: Path, sink: Sink) -> None:
    make_hook(hooks, "echo 'no such \033[31mserver' >&2; exit 3")

    with pytest.raises(TryAgainLater, match=r"code 3.: no such  \[31mserver"):
        push.run(sink, Publication(serial=1))


def test_one_that_hangs_is_killed_with_all_that_it_has_started(
    hooks: Path, sink: Sink, own_feeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "TIMEOUT", 0.5)
    make_hook(hooks, "sleep 60 & echo $! > child; wait")

    with pytest.raises(TryAgainLater, match="took more than"):
        push.run(sink, Publication(serial=1))

    child = int((own_feeds / "child").read_text())
    for _look in range(50):
        if not Path(f"/proc/{child}").exists() or "\nState:\tZ" in _status(child):
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        pytest.fail("what the hook has started goes on")


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "\nState:\tZ"


def test_a_publication_runs_it_once_and_before_the_receipt(
    hooks: Path, sink: Sink, own_feeds: Path
) -> None:
    make_hook(hooks, 'echo "$3" >> told')
    for n in range(5):
        make_listing(f"198.51.100.{n}")
    publish()
    let_in("198.51.100.1")
    publish()
    publish()

    told = (own_feeds / "told").read_text().split()
    assert told == sorted(set(told))
    assert len(told) == Receipt.objects.count() == 2


def test_one_that_fails_gives_no_receipt_and_says_so_at_the_sink(hooks: Path, sink: Sink) -> None:
    make_hook(hooks, "exit 1")
    make_listing("198.51.100.1")
    publish()

    sink.refresh_from_db()
    assert "the hook reload failed" in sink.trouble
    assert not Receipt.objects.exists()


def test_who_dies_after_it_ran_runs_it_again(hooks: Path, sink: Sink, own_feeds: Path) -> None:
    make_hook(hooks, 'echo "$3" >> told')
    make_listing("198.51.100.1")
    publish()
    Receipt.objects.all().delete()
    Sink.objects.update(pushed_serial=None)  # as if the note had not been committed
    Publication.objects.update(due_at="2026-01-01T00:00:00Z")

    publish()

    assert len((own_feeds / "told").read_text().split()) == 2
    assert Receipt.objects.count() == 1


def test_the_desk_offers_what_is_in_the_folder_and_nothing_else(
    hooks: Path, sink: Sink, client: Client, root: User
) -> None:
    make_hook(hooks, "true", "postfix-reload")
    client.force_login(root)
    given = {
        "name": "mx9", "kind": "plain", "late_minutes": "10", "push": "../evil",
        "fetches-TOTAL_FORMS": "0", "fetches-INITIAL_FORMS": "0",
    }  # fmt: skip

    page = client.get("/desk/listings/sink/add/").content.decode()
    assert '<option value="postfix-reload">' in page

    client.post("/desk/listings/sink/add/", given)
    assert not Sink.objects.filter(name="mx9").exists()

    client.post("/desk/listings/sink/add/", {**given, "push": "postfix-reload"})
    assert Sink.objects.get(name="mx9").push == "postfix-reload"
