"""A made-up registry on this machine, asked by the real client."""

from collections.abc import Iterator

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from ownership.fake_registry import FakeRegistry
from ownership.models import Inquiry
from tests.ownership import factories
from tests.ownership.factories import make_inquiry, sweep


@pytest.fixture
def registry(settings: Settings) -> Iterator[FakeRegistry]:
    """The registry that the settings point to."""
    settings.POSTERN_DEMO = True
    with FakeRegistry() as server:
        settings.POSTERN_RDAP_BASE = server.url
        yield server


@pytest.fixture
def inquiry(registry: FakeRegistry) -> Inquiry:
    """Asked about: 192.0.2.25, by a letter to the abuse desk of hosting.example."""
    inquiry = make_inquiry()
    sweep()
    return inquiry


@pytest.fixture
def owner(inquiry: Inquiry, client: Client) -> Client:
    """The abuse desk's browser, after a click on the link in the letter."""
    client.get(f"/answer/{factories.token_in(mail.outbox[0])}/")
    return client
