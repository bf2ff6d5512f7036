"""From a change to a receipt: published, held, released, proved."""

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from customers.models import User
from escalation import queue
from escalation.actors import DESK, Actor, Role
from escalation.errors import Refused
from listings import health, publishing, queries
from listings.editions import Edition
from listings.lifecycle import State
from listings.models import Publication, Receipt, Sink
from listings.publishing import NotHeld
from mailroom.models import Letter
from tests.listings.factories import feed, let_in, make_exception, make_listing, publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def nine() -> list[str]:
    """Nine addresses, published."""
    addresses = [f"198.51.100.{n}" for n in range(1, 18, 2)]
    for address in addresses:
        make_listing(address)
    publish()
    return addresses


def test_a_removal_ends_with_a_receipt_and_the_listing_is_gone(nine: list[str]) -> None:
    listing = make_listing("203.0.113.7")
    publish()

    serial = let_in("203.0.113.7")

    assert queries.sinks_behind(serial) == ["plain feed"]
    publish()
    assert queries.sinks_behind(serial) == []
    listing.refresh_from_db()
    assert listing.state == State.REMOVED
    assert feed() == [f"{address}/32" for address in nine]
    receipt = Receipt.objects.get(publication=serial)
    assert f"serial {serial}, 9 prefixes" in receipt.proof


def test_receipts_wake_the_cases_that_wait_for_them(nine: list[str]) -> None:
    let_in(nine[0])
    before = queue.waiting()

    queue.run("publications")

    assert queue.waiting() == before + 3  # cases, delistings, listings


def test_the_feed_has_exceptions_taken_out_and_neighbours_merged() -> None:
    make_exception(make_listing("198.51.100.0/24"), "198.51.100.0/26")
    make_listing("203.0.113.0/25")
    make_listing("203.0.113.128/25")
    make_listing("2001:db8::1")
    make_listing("2001:db8::")

    publish()

    assert feed() == ["198.51.100.64/26", "198.51.100.128/25", "203.0.113.0/24", "2001:db8::/127"]
    assert feed("4") == ["198.51.100.64/26", "198.51.100.128/25", "203.0.113.0/24"]
    assert feed("6") == ["2001:db8::/127"]


def test_the_first_publication_may_be_empty() -> None:
    publish()

    assert feed() == []
    assert Publication.objects.get().published_at is not None
    assert health.publications() == ""


def test_a_list_that_would_be_empty_is_held_and_the_operator_is_told() -> None:
    make_listing("198.51.100.7")
    publish()

    serial = let_in("198.51.100.7")
    publish()

    held = Publication.objects.held().get()
    assert held.serial == serial
    assert "is empty" in held.held_why
    assert feed() == ["198.51.100.7/32"]
    assert queries.sinks_behind(serial) == ["plain feed"]
    assert "is held" in health.publications()
    letter = Letter.objects.get()
    assert held.held_why in letter.body


def test_a_list_that_would_shrink_by_a_third_is_held(nine: list[str]) -> None:
    let_in(nine[0])
    let_in(nine[1])
    publish()
    assert len(feed()) == 7

    for address in nine[2:5]:
        let_in(address)
    publish()

    assert len(feed()) == 7
    assert "shrink by 33" in Publication.objects.held().get().held_why


def test_merged_neighbours_are_no_shrunken_list() -> None:
    for n in range(1, 16):
        make_listing(f"198.51.100.{n}")
    publish()

    make_listing("198.51.100.0")
    publish()

    assert feed() == ["198.51.100.0/28"]


def test_one_listing_in_many_pieces_may_go(nine: list[str]) -> None:
    wide = make_listing("203.0.113.0/24")
    for n in range(1, 32, 2):
        make_exception(wide, f"203.0.113.{n}")
    publish()
    assert len(feed()) > 20

    let_in("203.0.113.0/24")
    publish()

    assert len(feed()) == 9


def test_an_agent_lets_a_held_list_out(nine: list[str], minji: User) -> None:
    for address in nine[:5]:
        serial = let_in(address)
    publish()

    publishing.release(
        Publication.objects.get(pk=serial), actor=Actor(Role.AGENT, minji), note="it is meant"
    )
    publish()

    assert len(feed()) == 4
    out = Publication.objects.get(pk=serial)
    assert (out.released_by, out.release_note) == (minji, "it is meant")
    assert queries.sinks_behind(serial) == []
    assert health.publications() == ""
    with pytest.raises(NotHeld, match="out already"):
        publishing.release(out, actor=Actor(Role.AGENT, minji))


def test_a_later_list_that_passes_takes_the_place_of_a_held_one(nine: list[str]) -> None:
    for address in nine[:5]:
        held = let_in(address)
    publish()

    for address in nine[:5]:
        make_listing(address)
    publish()

    assert Publication.objects.get(pk=held).superseded_at is not None
    assert not Publication.objects.held().exists()
    assert queries.sinks_behind(held) == []
    with pytest.raises(NotHeld, match="later serial"):
        publishing.release(Publication.objects.get(pk=held), actor=Actor(Role.AGENT))


def test_one_letter_is_written_however_many_serials_are_held(nine: list[str]) -> None:
    for address in nine[:5]:
        let_in(address)
    publish()
    let_in(nine[5])
    publish()

    assert Publication.objects.held().count() == 1
    assert Letter.objects.count() == 1


@pytest.mark.parametrize("actor", [DESK, Actor(Role.ADMIN)])
def test_only_agents_release(nine: list[str], actor: Actor) -> None:
    for address in nine[:5]:
        serial = let_in(address)
    publish()

    with pytest.raises(Refused, match="Only an agent"):
        publishing.release(Publication.objects.get(pk=serial), actor=actor)


def test_a_changed_file_is_no_proof(nine: list[str], own_feeds: Path) -> None:
    serial = let_in(nine[0])
    queue.run("publications")
    Receipt.objects.filter(publication=serial).delete()
    Publication.objects.filter(pk=serial).update(due_at=timezone.now())
    file = own_feeds / "plain.txt"
    file.write_text(file.read_text().replace(nine[1], nine[0]))

    queue.run("publications")

    assert queries.sinks_behind(serial) == ["plain feed"]
    assert "damaged" in Publication.objects.get(pk=serial).last_error


def test_a_file_that_does_not_show_a_change_is_no_proof(nine: list[str]) -> None:
    serial = let_in(nine[0])
    queue.run("publications")
    Receipt.objects.filter(publication=serial).delete()
    Publication.objects.filter(pk=serial).update(due_at=timezone.now())
    make_listing(nine[0])  # the database says listed, the file of this serial does not
    Publication.objects.waiting().update(due_at=timezone.now() + timedelta(hours=1))

    queue.run("publications")

    assert queries.sinks_behind(serial) == ["plain feed"]
    assert "is missing" in Publication.objects.get(pk=serial).last_error


def test_what_is_listed_meanwhile_holds_up_no_receipt(
    nine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    serial, real = let_in(nine[0]), publishing.publish

    def slowly(publication: Publication, edition: Edition) -> None:
        make_listing("203.0.113.7")  # seen while the list was written
        real(publication, edition)

    monkeypatch.setattr(publishing, "publish", slowly)
    queue.run("publications")

    assert Receipt.objects.filter(publication=serial).exists()


def test_a_list_without_changes_comes_out_twice_a_day(nine: list[str]) -> None:
    n = Publication.objects.count()
    publish()
    assert Publication.objects.count() == n

    with time_machine.travel(timezone.now() + timedelta(hours=13)):
        publish()

    assert Publication.objects.count() == n + 1


def test_a_serial_that_gets_nowhere_is_followed_by_another(
    nine: list[str], own_feeds: Path
) -> None:
    file = own_feeds / "plain.txt"
    file.unlink()
    file.mkdir()  # nothing can be written there
    serial = let_in(nine[0])
    publish()
    assert Publication.objects.get(pk=serial).published_at is None

    file.rmdir()
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        publish()

    assert queries.sinks_behind(serial) == []
    assert len(feed()) == 8


def test_a_sink_that_lags_is_named(nine: list[str]) -> None:
    Sink.objects.create(name="second", kind="plain")

    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert "second" in health.sinks()


def test_without_an_enabled_sink_nothing_counts_as_proved(nine: list[str]) -> None:
    Sink.objects.update(enabled=False)

    assert queries.sinks_behind(1) == ["no sink is enabled"]
    assert queries.proved_serial() is None


def test_an_older_serial_never_takes_the_place_of_a_newer(nine: list[str]) -> None:
    serial = let_in(nine[0])
    Publication.objects.filter(pk=serial).update(begun_at=timezone.now(), due_at=None)
    later = let_in(nine[1])
    publish()
    Publication.objects.filter(pk=serial).update(superseded_at=None, due_at=timezone.now())

    publish()

    assert later > serial
    assert Publication.objects.get(pk=serial).superseded_at is not None
    assert Publication.objects.get(pk=serial).published_at is None
    assert len(feed()) == 7


def test_the_sweep_command_publishes(nine: list[str]) -> None:
    let_in(nine[0])

    call_command("sweep", "publications", "--once", verbosity=0)

    assert len(feed()) == 8
