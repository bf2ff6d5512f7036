"""The list at the agents' desk."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from customers.models import User
from listings.lifecycle import State
from listings.models import Listing, Publication, Sink
from tests.listings.factories import feed, let_in, make_exception, make_listing, publish

pytestmark = pytest.mark.django_db
DESK = "/desk/listings"
PAGES = ["listing", "listingexception", "publication", "receipt", "sink"]


@pytest.fixture
def desk(client: Client, minji: User, settings: Settings) -> Client:
    settings.POSTERN_AGENT_MFA = False
    minji.language = "en"
    minji.save()
    client.force_login(minji)
    return client


def said(answer: object) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_a_page_of_thirty_asks_as_often_as_a_page_of_one(
    desk: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def make(n: int) -> None:
        listing = make_listing(f"198.51.{n}.0/24")
        make_exception(listing, f"198.51.{n}.0/26")
        Sink.objects.create(name=f"sink {n}")
        publish()

    def n_queries(page: str, most: int = 30) -> int:
        with django_assert_max_num_queries(most) as asked:
            assert desk.get(f"{DESK}/{page}/").status_code == 200
        return len(asked)

    make(100)
    desk.get(f"{DESK}/listing/")  # whatever is asked once only
    with_one = {page: n_queries(page) for page in PAGES}
    for n in range(101, 130):
        make(n)

    for page, n in with_one.items():
        assert n_queries(page, n) <= n
        shown = desk.get(f"{DESK}/{page}/").context["cl"].result_list
        assert len(shown) >= 30


def test_a_search_by_address_finds_what_covers_it_and_what_lies_in_it(desk: Client) -> None:
    wide, small = make_listing("198.51.100.0/24"), make_listing("198.51.100.7")
    make_listing("198.51.100.9")

    def found(term: str) -> set[Listing]:
        answer = desk.get(f"{DESK}/listing/", {"q": term})
        return set(answer.context["cl"].result_list)

    assert found("198.51.100.7") == {wide, small}
    assert found("198.51.100.0/29") == {wide, small}
    assert found("nonsense") == set()


def test_an_agent_lists_a_prefix_by_hand(desk: Client, minji: User) -> None:
    answer = desk.post(
        f"{DESK}/listing/add/",
        {"prefix": "[198.51.100.7]", "reason_class": "manual", "evidence": "malware", "source": ""},
    )

    listing = Listing.objects.get()
    page = f"{DESK}/listing/{listing.pk}/change/"
    assert answer.headers["Location"] == page
    assert (listing.prefix, listing.state) == ("198.51.100.7/32", State.PENDING)
    assert "What it would hit" in desk.get(page).content.decode()

    desk.post(f"{DESK}/listing/{listing.pk}/activate/", {"step": "activate"})

    listing.refresh_from_db()
    assert listing.state == State.ACTIVE
    assert listing.entries.get().user == minji
    assert "What it would hit" not in desk.get(page).content.decode()


@pytest.mark.parametrize("prefix", ["10.0.0.1", "198.0.0.0/8", "mail.example", "198.41.0.4"])
def test_what_must_not_be_listed_is_refused_on_the_form(desk: Client, prefix: str) -> None:
    answer = desk.post(f"{DESK}/listing/add/", {"prefix": prefix, "reason_class": "manual"})

    assert answer.status_code == 200
    assert answer.context["adminform"].errors["prefix"]
    assert not Listing.objects.exists()


def test_a_listing_is_read_with_history_and_never_edited_or_deleted(desk: Client) -> None:
    listing = make_listing("198.51.100.7")

    assert desk.get(f"{DESK}/listing/{listing.pk}/change/").status_code == 200
    assert desk.post(f"{DESK}/listing/{listing.pk}/change/", {"prefix": "x"}).status_code == 403
    assert desk.get(f"{DESK}/listing/{listing.pk}/delete/").status_code == 403


def test_an_agent_lets_addresses_in_and_lists_them_again(desk: Client) -> None:
    listing = make_listing("198.51.100.7")
    chosen = {"action": "let_in", "_selected_action": [listing.pk], "note": "Clean now."}
    desk.post(f"{DESK}/listing/", {**chosen, "note": " "})
    listing.refresh_from_db()
    assert listing.state == State.ACTIVE

    answer = desk.post(f"{DESK}/listing/", chosen)

    listing.refresh_from_db()
    assert listing.state == State.PENDING_REMOVAL
    assert said(answer)[-1] == "1 row: let in."
    desk.post(f"{DESK}/listing/", {**chosen, "action": "list_again"})
    listing.refresh_from_db()
    assert listing.state == State.ACTIVE
    answer = desk.post(f"{DESK}/listing/", {**chosen, "action": "list_again"})
    assert "is not possible now" in said(answer)[-1]


def test_an_agent_releases_a_held_list(desk: Client, minji: User) -> None:
    make_listing("198.51.100.7")
    publish()
    serial = let_in("198.51.100.7")
    publish()
    chosen = {"action": "release_held", "_selected_action": [serial, serial - 1]}

    answer = desk.post(f"{DESK}/publication/", chosen)
    publish()

    assert any("1 row: released." in words for words in said(answer))
    assert any("is out already" in words for words in said(answer))
    assert Publication.objects.get(pk=serial).released_by == minji
    assert LogEntry.objects.get().object_id == str(serial)
    assert feed() == []


def test_held_lists_can_be_picked_out(desk: Client) -> None:
    make_listing("198.51.100.7")
    publish()
    serial = let_in("198.51.100.7")
    publish()

    held = desk.get(f"{DESK}/publication/", {"is": "held"}).context["cl"].result_list
    out = desk.get(f"{DESK}/publication/", {"is": "published"}).context["cl"].result_list

    assert [row.serial for row in held] == [serial]
    assert all(row.published_at for row in out)
    assert desk.get(f"{DESK}/publication/{serial}/change/").status_code == 200


def test_only_the_operator_changes_sinks(desk: Client, root: User) -> None:
    publish()
    sink = Sink.objects.get()
    wish = {"name": "plain feed", "kind": "plain", "late_minutes": "10"}
    wish |= {"fetches-TOTAL_FORMS": "0", "fetches-INITIAL_FORMS": "0"}
    assert desk.post(f"{DESK}/sink/{sink.pk}/change/", wish).status_code == 403

    root.language = "en"
    root.save()
    desk.force_login(root)
    desk.post(f"{DESK}/sink/{sink.pk}/change/", wish)

    sink.refresh_from_db()
    assert not sink.enabled
    assert Publication.objects.waiting().exists()
    assert desk.get(f"{DESK}/sink/{sink.pk}/delete/").status_code == 403


def test_customers_do_not_see_the_list(client: Client, dana: User) -> None:
    client.force_login(dana)

    assert client.get(f"{DESK}/listing/").status_code in (302, 403, 404)


def test_a_listing_that_waits_counts_only_when_somebody_activates_it(desk: Client) -> None:
    given = {"prefix": "198.51.100.66", "reason_class": "automatic"}

    desk.post(f"{DESK}/listing/add/", given)
    listing = Listing.objects.get()
    assert listing.state == State.PENDING
    act = {"action": "activate", "_selected_action": [str(listing.pk)]}
    desk.post(f"{DESK}/listing/", act)
    listing.refresh_from_db()
    assert listing.state == State.ACTIVE

    again = desk.post(f"{DESK}/listing/", {**act, "action": "cancel"})
    assert "not possible" in " ".join(said(again))


def test_a_listing_that_waits_can_be_dropped(desk: Client) -> None:
    given = {"prefix": "198.51.100.66", "reason_class": "automatic"}
    desk.post(f"{DESK}/listing/add/", given)
    listing = Listing.objects.get()

    desk.post(f"{DESK}/listing/", {"action": "cancel", "_selected_action": [str(listing.pk)]})

    listing.refresh_from_db()
    assert listing.state == State.REMOVED
    assert not Publication.objects.exists()
