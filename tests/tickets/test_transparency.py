"""Our list in figures: what a job counts, and what anybody reads."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from customers.models import User
from delisting.models import DelistRequest
from escalation.actors import SENDER
from listings.models import Publication, Receipt
from tests.delisting.conftest import own_feeds as own_feeds
from tests.delisting.factories import ADDRESS, asked, letter_to, link_in, make_desk, work
from tests.tickets.factories import agent, make_case, make_listing, make_sink
from tickets import actions, figures, jobs
from tickets.lifecycle import Event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_figures_yet() -> None:
    caches["default"].clear()


def lifted(client: Client) -> None:
    """One listing that its sender has lifted, in an hour."""
    make_desk()
    make_listing(ADDRESS)
    asked(client)
    work()
    client.post(link_in(letter_to()))
    work()
    DelistRequest.objects.update(asked_at=timezone.now() - timedelta(hours=1))


def delisted_case(root: User, *, refused_first: bool) -> None:
    case = make_case(prefix="198.51.100.77")
    if refused_first:
        actions.take_step(case, Event.REFUSE, agent(root), note="no")
        actions.take_step(case, Event.APPEAL, SENDER, note="look", ticket=case.tickets.get())
    actions.take_step(case, Event.APPROVE, agent(root))
    publication = Publication.objects.latest("serial")
    Publication.objects.filter(pk=publication.pk).update(published_at=timezone.now())
    Receipt.objects.create(sink=make_sink(), publication=publication, proof="read back")
    jobs.sweep_cases()


def test_what_was_lifted_by_whom_is_counted(client: Client) -> None:
    lifted(client)

    counted = figures.count()

    assert counted["listed"] == 8
    assert counted["by_class"] == {"automatic": 8}
    assert counted["asked"] == counted["lifted_by_self_service"] == 1
    assert 3500 < counted["self_service_seconds"] < 3700
    assert counted["lifted_by_case"] == counted["reversed"] == 0
    assert counted["case_seconds"] is None


@pytest.mark.parametrize("refused_first", [False, True])
def test_a_case_that_was_refused_first_counts_as_reversed(root: User, refused_first: bool) -> None:
    make_listing("198.51.100.77")
    make_sink()
    delisted_case(root, refused_first=refused_first)

    counted = figures.count()

    assert (counted["lifted_by_case"], counted["reversed"]) == (1, int(refused_first))
    assert counted["case_seconds"] is not None


def test_the_page_reads_what_the_job_left(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lifted(client)
    figures.refresh()
    DelistRequest.objects.update(state="refused")

    with django_assert_num_queries(2):  # the cache, and the rules
        shown = client.get("/transparency/", headers={"accept-language": "en"}).content.decode()
    assert "half of them within 60 minutes" in shown or "half of them within 1 hour" in shown
    assert "costs nothing" in shown
    assert "only the owner of the space" in shown
    told: Any = json.loads(client.get("/transparency.json").content)
    assert told["lifted_by_self_service"] == 1


def test_a_fresh_desk_shows_zeros(client: Client) -> None:
    answer = client.get("/transparency/")

    assert answer.status_code == 200
    assert json.loads(client.get("/transparency.json").content)["listed"] == 0
