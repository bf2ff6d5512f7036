"""Documentation prefixes stand in for public space in these tests, as in demo mode."""

from typing import Any

import pytest
from django.test import Client

from customers.models import User
from tests.tickets.desk import enter


@pytest.fixture(autouse=True)
def documentation_prefixes_are_public(settings: Any) -> None:
    settings.POSTERN_DEMO = True


@pytest.fixture
def desk(minji: User) -> Client:
    """The desk as Minji has it open."""
    return enter(Client(), minji)


@pytest.fixture
def joons_desk(joon: User) -> Client:
    return enter(Client(), joon)
