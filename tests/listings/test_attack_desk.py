"""Attacks on the list from the desk: one agent alone where two are needed."""

import pytest
from django.test import Client

from customers.models import User
from listings.lifecycle import State
from tests.listings.factories import make_listing

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("prefix", ["198.51.0.0/20", "2a01:4f8::/40"])
def test_one_agent_alone_lets_no_wide_prefix_in(client: Client, minji: User, prefix: str) -> None:
    listing = make_listing(prefix)
    client.force_login(minji)

    answer = client.post(
        "/desk/listings/listing/",
        {"action": "let_in", "_selected_action": [listing.pk], "note": "Clean now."},
        follow=True,
        headers={"accept-language": "en"},
    )

    listing.refresh_from_db()
    assert listing.state == State.ACTIVE
    assert "needs two agents" in answer.content.decode()


@pytest.mark.parametrize("action", ["let_in", "list_again"])
def test_no_stranger_acts_on_the_list(client: Client, dana: User, action: str) -> None:
    listing = make_listing("198.51.100.7")
    client.force_login(dana)

    client.post("/desk/listings/listing/", {"action": action, "_selected_action": [listing.pk]})

    listing.refresh_from_db()
    assert listing.state == State.ACTIVE
