"""Several writers at the same instant: what only real transactions can show."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from escalation import queue
from escalation.actors import DESK
from escalation.prefixes import parse_prefix
from listings import actions, jobs, publishing, queries
from listings.editions import Edition
from listings.models import Listing, Publication
from tests.listings.factories import feed, let_in, make_listing, publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def in_threads(*acts: Callable[[], object]) -> list[object]:
    def run(act: Callable[[], object]) -> object:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_changes_of_one_moment_never_make_two_waiting_publications() -> None:
    addresses = [f"198.51.100.{n}" for n in range(8)]
    for address in addresses:
        make_listing(address)
    publish()

    serials = in_threads(*[lambda address=address: let_in(address) for address in addresses])

    assert Publication.objects.waiting().count() == 1
    assert set(serials) == {Publication.objects.waiting().get().serial}


def test_the_same_prefix_is_listed_once_by_two_at_once() -> None:
    found = in_threads(*[lambda: make_listing("198.51.100.7") for _ in range(4)])

    assert len({listing.pk for listing in found}) == 1
    assert Listing.objects.count() == 1


def test_several_workers_publish_the_newest_list_last() -> None:
    for n in range(0, 40, 2):
        make_listing(f"198.51.100.{n}")
    publish()

    def change_and_publish(n: int) -> Callable[[], object]:
        def act() -> None:
            let_in(f"198.51.100.{n}")
            queue.run("publications")

        return act

    in_threads(*[change_and_publish(n) for n in range(0, 8, 2)])
    publish()

    assert len(feed()) == 16
    newest = Publication.objects.published().order_by("-serial").first()
    assert newest is not None
    assert queries.sinks_behind(newest.serial) == []


def test_a_publication_begins_only_when_an_approval_that_joined_it_is_through() -> None:
    make_listing("198.51.100.7")
    make_listing("198.51.100.9")
    publish()
    joined, begun_at = threading.Event(), []

    def approve() -> float:
        with transaction.atomic():
            actions.take_out(parse_prefix("198.51.100.7"), actor=DESK, reason="", key="one")
            joined.set()
            time.sleep(0.5)
            return time.monotonic()

    def begin() -> None:
        joined.wait(5)
        waiting = Publication.objects.waiting().order_by("-serial").first()
        if waiting is not None:  # committed before, so visible
            publishing.begin(waiting)
        begun_at.append(time.monotonic())

    with transaction.atomic():
        serial = publishing.ask([])
    approved, _none = in_threads(approve, begin)

    assert begun_at[0] > approved  # type: ignore[operator]
    assert Publication.objects.get(pk=serial).begun_at is not None
    listing = Listing.objects.get(prefix="198.51.100.7/32")
    assert listing.gone_serial == serial


def test_an_approval_while_one_begins_gets_the_next_serial() -> None:
    make_listing("198.51.100.7")
    publish()
    with transaction.atomic():
        first = publishing.ask([])
    beginning = threading.Event()

    def begin() -> None:
        with transaction.atomic():
            publishing.begin(Publication.objects.get(pk=first))
            beginning.set()
            time.sleep(0.3)

    def approve() -> int:
        beginning.wait(5)
        return let_in("198.51.100.7")

    _none, serial = in_threads(begin, approve)

    assert serial > first  # type: ignore[operator]
    assert Publication.objects.waiting().get().serial == serial


def test_a_slow_writer_does_not_put_an_old_list_over_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for n in range(0, 20, 2):
        make_listing(f"198.51.100.{n}")
    publish()
    old = let_in("198.51.100.0")
    real, newer = publishing.publish, []

    def slowly(publication: Publication, edition: Edition) -> None:
        if publication.serial == old:  # another worker is quicker in the meantime
            newer.append(let_in("198.51.100.2"))
            jobs.sweep_publications()
        real(publication, edition)

    monkeypatch.setattr(publishing, "publish", slowly)
    jobs.sweep_publications()

    assert len(feed()) == 8
    assert Publication.objects.get(pk=old).superseded_at is not None
    assert queries.sinks_behind(newer[0]) == []
