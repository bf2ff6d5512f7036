"""What is not kept for ever: words and mailboxes of requests, and links that have ended."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from delisting.housekeeping import ended, forget, past_keeping
from delisting.jobs import sweep_delistings
from delisting.models import Referral
from delisting.referrals import Facts, find, make
from mailroom.models import Letter
from tests.delisting.factories import ADDRESS, asked, confirmed, make_desk, status_path
from tests.listings.factories import make_listing

pytestmark = pytest.mark.django_db
KEPT = timedelta(days=settings.POSTERN_KEEP_DAYS)


def after(span: timedelta) -> time_machine.travel:
    return time_machine.travel(timezone.now() + span)


def test_an_ended_request_loses_its_words_and_its_mailbox_and_keeps_its_page(
    client: Client,
) -> None:
    make_desk()
    make_listing(ADDRESS)
    request = confirmed(client)

    with after(KEPT - timedelta(hours=1)):
        assert forget() == 0
    with after(KEPT + timedelta(hours=1)):
        assert forget() == 1
        assert forget() == 0  # once

    request.refresh_from_db()
    assert (request.email, request.changed) == ("", "")
    assert request.state == "lifted"
    assert client.get(status_path(request)).status_code == 200


def test_a_forgotten_mailbox_hears_nothing_and_stops_nobody(client: Client, settings: Any) -> None:
    settings.POSTERN_KEEP_DAYS = 1  # less than an address is watched
    make_desk()
    make_listing(ADDRESS)
    request = confirmed(client)

    with after(timedelta(days=2)):
        assert forget() == 1
        make_listing(ADDRESS)
        sweep_delistings()

    request.refresh_from_db()
    assert request.relisted_at is not None
    assert not Letter.objects.filter(kind="delist-relisted").exists()


def test_an_open_request_is_kept_whole(client: Client) -> None:
    make_desk()
    make_listing(ADDRESS)
    request = asked(client)

    with after(KEPT + timedelta(days=1)):
        assert forget() == 0

    request.refresh_from_db()
    assert request.email
    assert request.changed


def test_a_link_to_pass_on_is_deleted_with_all_that_it_held_when_it_ends() -> None:
    token, _row = make(Facts(prefix=ADDRESS, bounce=b"550 no"))

    assert forget() == 0
    assert find(token) is not None
    with after(timedelta(days=settings.POSTERN_REFERRAL_DAYS, hours=1)):
        assert find(token) is None
        assert forget() == 1
    assert not Referral.objects.exists()


def test_it_runs_every_hour_and_looks_only_at_what_it_may_forget() -> None:
    assert "delisting.housekeeping.forget" in settings.HOUSEKEEPING
    if connection.vendor == "postgresql":  # which else reads a table of no rows from end to end
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")

    assert "delisting_to_forget" in past_keeping().explain()
    assert "delisting_referral_ends" in ended().explain()
