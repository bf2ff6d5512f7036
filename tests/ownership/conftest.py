"""A made-up registry on this machine, asked by the real client."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from ownership.fake_registry import FakeRegistry


@pytest.fixture
def registry(settings: Settings) -> Iterator[FakeRegistry]:
    """The registry that the settings point to."""
    settings.POSTERN_DEMO = True
    with FakeRegistry() as server:
        settings.POSTERN_RDAP_BASE = server.url
        yield server
