"""The whole way of a stranger: looked up, asked, confirmed, let in."""

import pytest
from django.core import mail
from django.test import Client

from delisting.models import DelistRequest
from tests.delisting.factories import ADDRESS, MAILBOX, asked, letter_to, link_in, make_desk, work
from tests.listings.factories import lister_of, make_listing

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_stranger_takes_their_address_off(client: Client, language: str) -> None:
    client.cookies["django_language"] = language
    make_desk()
    make_listing(ADDRESS)

    page = client.get("/delist/", {"address": ADDRESS}).content.decode()
    assert "runs_server" in page

    request = asked(client)
    work()
    link = link_in(letter_to())
    shown = client.get(link)
    assert shown.status_code == 200
    assert lister_of(ADDRESS)  # looking changes nothing

    done = client.post(link, follow=True)
    assert done.status_code == 200
    assert not lister_of(ADDRESS)
    request.refresh_from_db()
    assert request.state == "confirmed"

    work()
    request.refresh_from_db()
    assert request.state == "lifted"
    status = client.get(done.redirect_chain[-1][0]).content.decode()
    assert "mx1" in status
    assert [message.to for message in mail.outbox] == [[MAILBOX], [MAILBOX]]
    assert DelistRequest.objects.count() == 1
