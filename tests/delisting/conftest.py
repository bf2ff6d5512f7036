"""What the tests of the portal share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ownership.fake_registry import FakeRegistry
from tests.delisting.dns import Dns


@pytest.fixture(autouse=True)
def own_feeds(settings: Any, tmp_path: Path) -> Path:
    """A folder of feeds for each test; documentation prefixes may be listed."""
    settings.POSTERN_DEMO = True
    settings.POSTERN_FEED_DIR = tmp_path / "feeds"
    return tmp_path / "feeds"


@pytest.fixture(autouse=True)
def dns(settings: Any) -> Iterator[Dns]:
    """The only resolver that a test asks: it knows no name until it is told one."""
    server = Dns()
    settings.POSTERN_DNS = [server.address]
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def registry(settings: Any) -> Iterator[FakeRegistry]:
    """The only registry that a test asks."""
    with FakeRegistry() as server:
        settings.POSTERN_RDAP_BASE = server.url
        yield server
