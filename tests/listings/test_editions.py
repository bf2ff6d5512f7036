"""An edition that takes over what has not changed is the one that a full reading gives."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pytest_django import Settings

from escalation.actors import DESK
from escalation.prefixes import parse_prefix
from listings import actions, editions, imports, publishing, shelf, streams
from listings.editions import spooled
from listings.formats import plain
from listings.lifecycle import State
from listings.models import Change, Listing, Publication
from listings.sinks import KINDS
from tests.jobs.test_kills import database_url
from tests.listings.factories import let_in, make_listing

pytestmark = pytest.mark.django_db
NOTATIONS = [kind.NOTATION for kind in KINDS.values()]
ROOT = Path(__file__).parents[2]


def edition(*, anew: bool = False) -> tuple[dict[str, bytes], int]:
    """The bodies of the next edition in every notation, and how many cells were read for it."""
    if anew:
        shutil.rmtree(shelf.folder(), ignore_errors=True)
    with transaction.atomic():
        serial = publishing.ask([])
    publishing.begin(Publication.objects.get(pk=serial))
    with spooled(serial, NOTATIONS) as made:
        Publication.objects.filter(pk=serial).update(sha256=made.sha256, due_at=None)
        bodies = {
            f"{notation.name}-{family}": made.body(notation, family).path.read_bytes()
            for notation in NOTATIONS
            for family in (4, 6)
        }
        counts = made.n_prefixes, made.n_listings
    flat = bodies["flat-4"].count(b"\n") + bodies["flat-6"].count(b"\n")
    assert counts == (flat, Listing.objects.enforced().count())
    return bodies, made.n_read


def assert_right() -> int:
    """The next edition is right; return how many cells were read for it."""
    bodies, n_read = edition()
    assert bodies == edition(anew=True)[0]
    return n_read


PLACES = [
    "198.51.100.0/24", "198.51.100.0/26", "198.51.100.64/26", "198.51.100.7", "198.51.100.8",
    "203.0.113.0/24", "203.0.113.1", "192.0.2.200", "2001:db8::/32", "2001:db8:1::/48",
    "2001:db8:1::25", "2001:db8:2::/64",
]  # fmt: skip
STEPS = ("add", "let_in", "expire", "relist", "import", "look")


def take(step: str, place: str) -> None:
    prefix = parse_prefix(place)
    if step == "add":
        make_listing(place, reason_class="trap" if len(place) % 2 else "range")
    elif step == "let_in":
        let_in(place, key=f"{place}:{timezone.now().timestamp()}")
    elif step == "expire":
        Listing.objects.filter(prefix=str(prefix)).update(
            expires_at=timezone.now() - timedelta(minutes=1)
        )
        actions.expire()
    elif step == "import":
        rows, _bad = imports.check(plain.read([place]))
        imports.bring_in(rows, imports.Wishes(actor=DESK, source="file", again=True))
    elif step == "relist":
        gone = Listing.objects.filter(prefix=str(prefix), state=State.PENDING_REMOVAL).first()
        if gone is not None:
            actions.relist(gone, actor=DESK)


@effort(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(PLACES)), max_size=14),
)
def test_whatever_happens_to_the_list_the_next_edition_is_right(
    db: None, own_feeds: Path, steps: list[tuple[str, str]]
) -> None:
    shutil.rmtree(own_feeds, ignore_errors=True)
    with transaction.atomic():
        for step, place in steps:
            take(step, place)
            if step == "look":
                edition()
        assert_right()
        transaction.set_rollback(True)


@pytest.fixture
def many(db: None) -> None:
    for n in range(1, 20):
        make_listing(f"{n + 80}.1.2.3")
    make_listing("2001:db8::/48")
    edition()


def test_one_removal_reads_one_cell(many: None) -> None:
    let_in("85.1.2.3")

    assert assert_right() == 1


def test_without_a_change_nothing_is_read(many: None) -> None:
    assert assert_right() == 0


Damage = Callable[[Path], object]


def _cut(folder: Path) -> None:
    body = next(folder.glob("*/flat-4.body"))
    body.write_bytes(body.read_bytes()[:-3])


def _garble(folder: Path) -> None:
    next(folder.glob("*/rbldnsd-4.index")).write_text("what is this\n")


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _garble,
        lambda folder: next(folder.glob("*/json-6.body")).unlink(),
        lambda folder: (folder / "label.json").write_text("{"),
        lambda folder: (folder / "label.json").write_text('{"serial": 1}'),
        shutil.rmtree,
    ],
    ids=["cut", "garbled", "missing", "no label", "half a label", "gone"],
)
def test_a_damaged_shelf_is_read_anew(many: None, damage: Damage) -> None:
    damage(shelf.folder())
    let_in("85.1.2.3")

    assert assert_right() == 19


def test_the_shelf_of_another_database_is_read_anew(many: None) -> None:
    Publication.objects.update(sha256="0" * 64)

    assert assert_right() == 20


def test_another_address_of_the_desk_is_written_into_every_line(
    many: None, settings: Settings
) -> None:
    settings.POSTERN_URL = "https://desk.example"

    assert assert_right() == 20
    bodies, _n = edition()
    assert b"https://desk.example/delist/" in bodies["postfix-4"]


def test_twice_a_day_the_whole_list_is_read(many: None) -> None:
    with time_machine.travel(timezone.now() + editions.FULL_AFTER + timedelta(minutes=1)):
        assert assert_right() == 20


def test_a_clock_that_went_back_is_no_reason_to_trust_the_shelf(many: None) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=1)):
        assert assert_right() == 20


def test_very_many_changes_are_read_in_one_go(many: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editions, "MOST_CELLS", 2)
    for n in (81, 82, 83):
        let_in(f"{n}.1.2.3")

    assert assert_right() == 17


def test_a_notation_that_the_shelf_lacks_is_read_anew(many: None) -> None:
    with spooled(10_000, [KINDS["plain"].NOTATION]) as made:
        Publication.objects.create(serial=10_000, sha256=made.sha256, begun_at=timezone.now())

    kept = shelf.label()
    assert kept is not None
    assert kept.notations == ["flat"]
    assert not editions._base(NOTATIONS, timezone.now())


def test_changes_are_noted_by_cell_and_once(db: None) -> None:
    make_listing("198.51.100.7")
    make_listing("198.51.7.0/24")
    make_listing("2001:db8::1")

    cells = sorted(Change.objects.values_list("cell", flat=True))
    assert cells == ["00000000000000000000ffffc633", "20010db8"]


KEEPER = """
import os, sys
from pathlib import Path
import django
django.setup()
from listings import shelf
from listings.shelf import Label
n, stop = 0, int(sys.argv[2])
real = Path.replace
def counted(self, target):
    global n
    n += 1
    if n > stop:
        os.kill(os.getpid(), 9)
    return real(self, target)
Path.replace = counted
kept = shelf.label()
label = Label(kept.serial + 1, "x", kept.full_at, kept.dialect, kept.notations)
shelf.keep(Path(sys.argv[1]), label)
"""


@pytest.mark.kill
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stop", [0, 1, 5, 15, 16])
def test_who_dies_while_putting_bodies_on_the_shelf_spoils_nothing(
    own_feeds: Path, tmp_path: Path, stop: int
) -> None:
    make_listing("198.51.100.7")
    edition()
    kept = shelf.label()
    assert kept is not None
    spool = tmp_path / "spool"
    shutil.copytree(shelf.folder() / str(kept.serial), spool)
    environ = {
        **os.environ, "DATABASE_URL": database_url(), "POSTERN_FEED_DIR": str(own_feeds),
        "POSTERN_DEMO": "1",
    }  # fmt: skip

    subprocess.run(
        [sys.executable, "-c", KEEPER, str(spool), str(stop)], env=environ, cwd=ROOT, check=False
    )

    make_listing("198.51.100.8")
    assert_right()


def test_a_reader_that_stops_half_way_leaves_the_connection_usable(many: None) -> None:
    reading = streams.read(dated=False)
    next(reading)
    reading.close()

    assert Listing.objects.count() == 20


def test_a_statement_that_fails_is_an_error_of_the_database(db: None) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        list(streams.lines("SELECT nothing FROM nowhere", []))
    assert connection.is_usable()


def test_the_json_list_is_json_and_says_when(many: None) -> None:
    make_listing("198.51.100.7", expires_at=timezone.now() + timedelta(days=1))
    bodies, _n = edition()

    rows = [json.loads(line.removeprefix(b",")) for line in bodies["json-4"].splitlines()]

    row = next(row for row in rows if row["cidr"] == "198.51.100.7/32")
    assert row["since"].endswith("Z")
    assert row["until"].endswith("Z")
    assert row["url"].endswith("/delist/?address=198.51.100.7")
