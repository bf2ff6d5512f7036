from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.mailroom.postoffice import PostOffice


@pytest.fixture
def post(settings: Settings) -> Iterator[PostOffice]:
    """A mail server that the settings point to."""
    office = PostOffice()
    office.controller.start()
    settings.EMAIL_BACKEND = "mailroom.smtp.Backend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", office.controller.port
    settings.EMAIL_TIMEOUT = 1
    yield office
    office.controller.stop(no_assert=True)


@pytest.fixture
def templates(settings: Settings) -> None:
    """The letters of these tests can be written."""
    own = Path(__file__).parent / "templates"
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [own, *settings.TEMPLATES[0]["DIRS"]]}]
