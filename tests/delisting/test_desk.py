"""What the desk sees of the portal: requests, the policy, links; looked at, in constant queries."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from customers.models import User
from delisting import referrals
from delisting.models import DelistRequest
from tests.delisting.factories import ADDRESS, MAILBOX, asked, make_desk
from tests.listings.factories import make_listing

pytestmark = pytest.mark.django_db
LISTS = ["delistrequest", "rule", "referral"]


@pytest.fixture
def request_(client: Client) -> DelistRequest:
    make_desk()
    make_listing(ADDRESS)
    return asked(client)


@pytest.mark.parametrize("name", LISTS)
def test_lists_ask_as_often_for_thirty_rows_as_for_one(
    client: Client,
    minji: User,
    request_: DelistRequest,
    name: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    referrals.make(referrals.Facts(prefix=ADDRESS))
    client.force_login(minji)
    path = f"/desk/delisting/{name}/"
    client.get(path)
    with CaptureQueriesContext(connection) as one:
        assert client.get(path).status_code == 200
    n_queries = len(one)
    assert 0 < n_queries <= 7
    stranger = Client()
    for n in range(30):
        make_listing(f"192.0.2.{n + 1}")
        stranger.defaults["REMOTE_ADDR"] = f"10.{n}.0.1"
        asked(stranger, address=f"192.0.2.{n + 1}", email=f"a@shop{n}.example")
        referrals.make(referrals.Facts(prefix=ADDRESS))
    with django_assert_num_queries(n_queries):
        client.get(path)


@pytest.mark.parametrize("term", [ADDRESS, MAILBOX, "198.51.100.0/24"])
def test_a_request_is_found_by_address_and_mailbox(
    client: Client, minji: User, request_: DelistRequest, term: str
) -> None:
    client.force_login(minji)

    found = client.get("/desk/delisting/delistrequest/", {"q": term}).content.decode()

    assert (f"/{request_.pk}/change/" in found) == (term != "198.51.100.0/24")
    nothing = client.get("/desk/delisting/delistrequest/", {"q": "nonsense"}).content.decode()
    assert f"/{request_.pk}/change/" not in nothing


def test_a_request_is_read_with_its_history_and_never_changed(
    client: Client, minji: User, request_: DelistRequest
) -> None:
    client.force_login(minji)
    path = f"/desk/delisting/delistrequest/{request_.pk}/change/"

    shown = client.get(path).content.decode()
    assert "A web form was abused" in shown
    assert request_.token_digest not in shown
    assert request_.challenge not in shown
    assert client.post(path, {"email": "x@y.example"}).status_code == 403
    assert client.post(path.replace("change", "delete"), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_customers_learn_nothing_of_it(
    client: Client, dana: User, request_: DelistRequest, name: str
) -> None:
    client.force_login(dana)

    assert client.get(f"/desk/delisting/{name}/", follow=True).status_code == 404
