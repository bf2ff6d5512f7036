"""What a listing would hit, before it counts."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from customers.models import Tenant, User
from escalation.prefixes import parse_prefix
from listings import blast
from listings.lifecycle import State
from listings.models import Listing
from tests.listings.factories import make_listing
from tests.traffic.factories import make_tally

pytestmark = pytest.mark.django_db
WIDE = parse_prefix("198.51.100.0/24")


@pytest.fixture
def mail(clinic: Tenant, school: Tenant) -> None:
    """Taken from the /24: by the clinic, by the school, and by a domain of nobody's."""
    make_tally("198.51.100.1", accepted=5)
    make_tally("198.51.100.2", accepted=2)
    make_tally("198.51.100.2", accepted=4, domain="school.example")
    make_tally("198.51.100.3", accepted=9, domain="nobody.example")
    make_tally("198.51.100.4", accepted=50, at=timezone.now() - timedelta(days=20))
    make_tally("203.0.113.1", accepted=70)


def test_it_says_whose_mail_of_the_last_days_would_have_been_refused(mail: None) -> None:
    radius = blast.of(WIDE)

    assert radius.n_addresses == 256
    assert [(hit.tenant, hit.messages, hit.addresses) for hit in radius.hits] == [
        ("Clinic", 7, 2), ("School", 4, 1)
    ]  # fmt: skip
    assert (radius.others, radius.messages) == (9, 20)


def test_where_nothing_came_from_it_says_so(mail: None) -> None:
    radius = blast.of(parse_prefix("192.0.2.0/24"))

    assert (radius.hits, radius.messages) == ([], 0)


def test_a_file_is_weighed_as_a_whole(mail: None) -> None:
    radius = blast.of_all([parse_prefix("198.51.100.2"), parse_prefix("203.0.113.0/24")])

    assert radius.n_addresses == 257
    assert [(hit.tenant, hit.messages) for hit in radius.hits] == [("Clinic", 72), ("School", 4)]


def test_only_the_first_tenants_are_named(monkeypatch: pytest.MonkeyPatch, mail: None) -> None:
    monkeypatch.setattr(blast, "SHOWN", 1)

    radius = blast.of(WIDE)

    assert ([hit.tenant for hit in radius.hits], radius.n_more) == (["Clinic"], 1)


def test_an_import_says_it_before_and_a_dry_run_lists_nothing(mail: None, tmp_path: Path) -> None:
    path, said, told = tmp_path / "list", io.StringIO(), io.StringIO()
    path.write_text("198.51.100.0/24\n")

    call_command("listings", "import", str(path), "--dry-run", stdout=said, stderr=told)

    assert "20 messages" in told.getvalue()
    assert "Clinic: 7; School: 4; domains of no tenant: 9" in told.getvalue()
    assert "Nothing was imported" in said.getvalue()
    assert not Listing.objects.exists()


@pytest.fixture
def desk(client: Client, minji: User) -> Client:
    minji.language = "en"
    minji.save()
    client.force_login(minji)
    return client


def test_the_desk_shows_it_with_a_button_and_a_bar_for_each_tenant(
    desk: Client, mail: None
) -> None:
    made = desk.post(
        "/desk/listings/listing/add/", {"prefix": "198.51.100.0/24", "reason_class": "range"}
    )
    page = desk.get(made.headers["Location"]).content.decode()

    assert "<b>256</b> addresses" in page
    assert "Clinic" in page
    assert '<progress class="share" max="7" value="4"' in page
    assert "Activate: refuse its mail" in page


def test_a_pending_listing_is_dropped_by_its_button(desk: Client) -> None:
    desk.post("/desk/listings/listing/add/", {"prefix": "198.51.100.7", "reason_class": "range"})
    listing = Listing.objects.get()

    desk.post(f"/desk/listings/listing/{listing.pk}/activate/", {"step": "cancel"})

    listing.refresh_from_db()
    assert listing.state == State.REMOVED


def test_the_button_is_for_agents_and_a_get_changes_nothing(
    desk: Client, client: Client, dana: User
) -> None:
    desk.post("/desk/listings/listing/add/", {"prefix": "198.51.100.7", "reason_class": "range"})
    listing = Listing.objects.get()
    address = f"/desk/listings/listing/{listing.pk}/activate/"
    desk.get(address)
    client.force_login(dana)
    client.post(address, {"step": "activate"})

    listing.refresh_from_db()
    assert listing.state == State.PENDING


def test_an_active_listing_shows_no_button(desk: Client) -> None:
    listing = make_listing("198.51.100.7")

    page = desk.get(f"/desk/listings/listing/{listing.pk}/change/").content.decode()

    assert "What it would hit" not in page
