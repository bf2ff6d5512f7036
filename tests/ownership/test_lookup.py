"""Look-ups: what is kept, what is asked again, and how often a registry is asked."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from escalation import prefixes, queue
from escalation.errors import TryAgainLater
from ownership import bootstrap, budget, health, housekeeping, lookups
from ownership.budget import OutOfTurn
from ownership.fake_registry import FakeRegistry
from ownership.models import (
    Answer,
    BootstrapFile,
    Contact,
    Lookup,
    Network,
    NetworkContact,
    RegistryHost,
)
from tests.ownership import factories
from tests.ownership.factories import make_inquiry, make_network, sweep

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PREFIX = prefixes.parse_prefix("192.0.2.25")


def hour_ago() -> datetime:
    return timezone.now() - timedelta(hours=1)


def test_an_answer_is_kept_whole(registry: FakeRegistry) -> None:
    network = lookups.lookup(PREFIX, hour_ago())

    assert network is not None
    assert (network.handle, network.range) == (
        "192.0.2.0 - 192.0.2.255",
        "192.0.2.0 – 192.0.2.255",
    )
    assert json.loads(gzip.decompress(network.document_gz or b""))["name"] == "HOSTING-EXAMPLE-1"
    assert len(network.sha256) == 64
    assert [place.contact.email for place in network.contacts.all()] == [
        "abuse@hosting.example",
        "admin@hosting.example",
        "noc@hosting.example",
    ]


def test_a_fresh_answer_is_not_asked_for_again(registry: FakeRegistry) -> None:
    first = lookups.lookup(PREFIX, hour_ago())

    assert lookups.lookup(PREFIX, hour_ago()) == first
    assert len(registry.log) == 1


def test_the_answer_for_a_neighbour_does_not_hide_a_smaller_network(
    registry: FakeRegistry,
) -> None:
    wide = lookups.lookup(prefixes.parse_prefix("198.51.100.25"), hour_ago())

    small = lookups.lookup(prefixes.parse_prefix("198.51.100.70"), hour_ago())

    assert wide is not None
    assert small is not None
    assert (wide.handle, small.handle) == ("NET-198-51-100-0-1", "NET-198-51-100-64-1")


def test_a_network_too_small_to_be_divided_is_read_once(registry: FakeRegistry) -> None:
    registry.networks["192.0.2.0/29"] = {
        **registry.networks["192.0.2.0/24"], "handle": "SMALL", "prefix": "192.0.2.0/29",
    }  # fmt: skip

    for number in range(8):
        lookups.lookup(prefixes.parse_prefix(f"192.0.2.{number}"), hour_ago())

    assert len(registry.log) == 1


def test_a_confirm_wants_an_answer_that_is_younger(registry: FakeRegistry) -> None:
    lookups.lookup(PREFIX, hour_ago())

    lookups.lookup(PREFIX, timezone.now())

    assert len(registry.log) == 2


def test_a_parent_on_file_does_not_stand_for_its_smaller_networks(registry: FakeRegistry) -> None:
    small = prefixes.parse_prefix("198.51.100.70")
    network = lookups.lookup(small, hour_ago())
    assert network is not None
    parent = lookups.parent_of(network, small, hour_ago(), lookups.Asker())
    assert parent is not None
    assert parent.handle == "NET-198-51-100-0-1"

    assert lookups.cached(prefixes.parse_prefix("198.51.100.5"), hour_ago()) is None
    assert lookups.cached(small, hour_ago()) == network


def test_a_contact_who_is_gone_stays_on_file_as_not_listed(registry: FakeRegistry) -> None:
    network = lookups.lookup(PREFIX, hour_ago())
    assert network is not None
    registry.remove_contact("192.0.2.0/24", "abuse@hosting.example")

    lookups.lookup(PREFIX, timezone.now())

    listed = network.contacts.filter(listed=True).values_list("contact__email", flat=True)
    assert sorted(listed) == ["admin@hosting.example", "noc@hosting.example"]
    assert NetworkContact.objects.count() == 3


def test_a_network_of_unknown_width_is_never_a_cached_answer(registry: FakeRegistry) -> None:
    make_network("192.0.2.25", "x@somewhere.example", flags=["range_unknown"])

    network = lookups.lookup(PREFIX, hour_ago())

    assert network is not None
    assert network.handle == "192.0.2.0 - 192.0.2.255"


@pytest.mark.parametrize("mood", ["catch_all", "not_found"])
def test_a_block_that_is_nobodys_is_no_network(registry: FakeRegistry, mood: str) -> None:
    registry.moods["192.0.2.25"] = mood

    assert lookups.lookup(PREFIX, hour_ago()) is None
    assert not Network.objects.exists()


@pytest.mark.parametrize("mood", ["server_error", "flood", "deep", "not_json", "redirect_abroad"])
def test_a_registry_in_trouble_is_asked_again_later(registry: FakeRegistry, mood: str) -> None:
    registry.moods["192.0.2.25"] = mood

    with pytest.raises(TryAgainLater):
        lookups.lookup(PREFIX, hour_ago())


def test_an_entity_is_asked_where_the_network_shows_nobody(registry: FakeRegistry) -> None:
    record = registry.networks["192.0.2.0/24"]
    holder = {"handle": "HOLD-1", "name": "Holder", "kind": "org", "roles": ["registrant"]}
    record["organisation"], record["contacts"] = None, [{**holder, "emails": []}]
    registry.national["198.18.0.0/24"] = {
        **record,
        "contacts": [{**holder, "emails": ["noc@holder.example"]}],
    }
    shown = registry.entity
    registry.entity = lambda handle: _with_mail(shown(handle))  # type: ignore[method-assign]

    network = lookups.lookup(PREFIX, hour_ago())

    assert network is not None
    place = network.contacts.get()
    assert (place.contact.email, place.source) == ("noc@holder.example", "rdap_entity")
    assert registry.log[-1].path == "/entity/HOLD-1"


def _with_mail(entity: dict[str, object] | None) -> dict[str, object] | None:
    """Some registries show an e-mail only where the entity itself is asked for."""
    if entity is not None:
        card = entity["vcardArray"]
        assert isinstance(card, list)
        card[1].append(["email", {}, "text", "noc@holder.example"])
    return entity


# -- Budgets -----------------------------------------------------------------------------


def test_a_registry_is_asked_five_times_at_once_and_then_once_a_second() -> None:
    url = "https://rdap.example/ip/192.0.2.1"
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(5):
            budget.take(url)
        with pytest.raises(OutOfTurn) as refused:
            budget.take(url)
        assert refused.value.after == pytest.approx(1.0)

        clock.shift(1)
        budget.take(url)
        with pytest.raises(OutOfTurn):
            budget.take(url)


def test_lacnic_is_asked_ten_times_a_minute_at_most() -> None:
    url = "https://rdap.lacnic.net/rdap/ip/192.0.2.1"
    n_asked = 0
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(120):
            clock.shift(1)
            try:
                budget.take(url)
            except OutOfTurn:
                continue
            n_asked += 1

    assert n_asked <= 25  # five at once, and two minutes of ten


def test_entities_at_ripe_have_a_budget_of_their_own() -> None:
    with time_machine.travel(START, tick=False):
        for _ in range(20):
            budget.take("https://rdap.db.ripe.net/entity/ORG-1")
        with pytest.raises(OutOfTurn):
            budget.take("https://rdap.db.ripe.net/entity/ORG-1")

        budget.take("https://rdap.db.ripe.net/ip/192.0.2.1")


def test_a_registry_that_says_wait_is_left_alone_whatever_is_asked(
    registry: FakeRegistry,
) -> None:
    registry.moods["192.0.2.25"] = "rate_limited"
    with pytest.raises(TryAgainLater):
        lookups.lookup(PREFIX, hour_ago())

    with pytest.raises(OutOfTurn) as refused:
        lookups.lookup(prefixes.parse_prefix("198.51.100.1"), hour_ago())

    assert len(registry.log) == 1
    assert refused.value.after == pytest.approx(120, abs=3)
    assert RegistryHost.objects.get().blocked_until is not None


# -- IANA's tables -------------------------------------------------------------------------


def stored(age: timedelta) -> None:
    for name in bootstrap.FILES:
        body = (bootstrap.FOLDER / f"{name}.json").read_text()
        BootstrapFile.objects.create(name=name, body=body, fetched_at=timezone.now() - age)


def test_no_letter_is_written_by_old_tables(settings: Settings) -> None:
    settings.POSTERN_RDAP_BASE = ""
    stored(timedelta(hours=49))

    with pytest.raises(TryAgainLater, match="older than two days"):
        lookups.lookup(PREFIX, hour_ago())
    assert "older than two days" in health.bootstrap()


def test_tables_of_today_are_well(settings: Settings) -> None:
    settings.POSTERN_RDAP_BASE = ""
    stored(timedelta(hours=1))

    assert lookups.Asker().is_fit
    assert health.bootstrap() == ""


def test_without_tables_a_copy_is_not_fit_to_write_letters_by(settings: Settings) -> None:
    settings.POSTERN_RDAP_BASE = ""

    assert not lookups.Asker().is_fit
    assert "have not been fetched yet" in health.bootstrap()


def test_one_registry_for_everything_needs_no_tables(registry: FakeRegistry) -> None:
    assert queue.run("bootstrap") == 0

    assert not BootstrapFile.objects.exists()
    assert health.bootstrap() == ""


# -- What is forgotten ------------------------------------------------------------------------


def test_raw_answers_are_forgotten_and_their_hash_stays(registry: FakeRegistry) -> None:
    network = lookups.lookup(PREFIX, hour_ago())
    assert network is not None

    assert housekeeping.forget_documents() == 0
    Network.objects.update(read_at=timezone.now() - timedelta(days=181))
    assert housekeeping.forget_documents() == 1

    network.refresh_from_db()
    assert network.document_gz is None
    assert network.sha256


def test_a_persons_address_is_forgotten_after_a_month_a_role_is_not(
    registry: FakeRegistry,
) -> None:
    lookups.lookup(prefixes.parse_prefix("198.51.100.5"), hour_ago())
    long_ago = timezone.now() - timedelta(days=31)
    assert housekeeping.forget_persons() == 0

    NetworkContact.objects.update(last_seen_at=long_ago)

    assert housekeeping.forget_persons() == 1
    assert housekeeping.forget_persons() == 0
    emails = sorted(Contact.objects.values_list("email", flat=True))
    assert emails[0] == "hostmaster@carrier.example"
    assert emails[1].startswith("removed-")
    assert emails[1].endswith("@carrier.example")


def test_the_words_of_an_answer_are_forgotten(registry: FakeRegistry) -> None:
    make_inquiry()
    sweep()
    factories.answer("abuse@hosting.example", Answer.Kind.DENY, text="Keep them out.")
    sweep()
    assert housekeeping.forget_answers() == 0

    Answer.objects.update(given_at=timezone.now() - timedelta(days=181))

    assert housekeeping.forget_answers() == 1
    given = Answer.objects.get()
    assert (given.name_given, given.text, given.kind) == ("", "", "deny")


def test_old_answers_for_prefixes_are_forgotten_and_their_networks_stay() -> None:
    old, new = make_network("192.0.2.0/29"), make_network("192.0.2.8/29")
    old.lookups.update(asked_at=timezone.now() - timedelta(days=8))

    housekeeping.forget()

    assert list(Lookup.objects.all()) == [new.lookups.get()]
    assert Network.objects.count() == 2
