"""What the tests of the portal share."""

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def own_feeds(settings: Settings, tmp_path: Path) -> Path:
    """A folder of feeds for each test; documentation prefixes may be listed."""
    settings.POSTERN_DEMO = True
    settings.POSTERN_FEED_DIR = tmp_path / "feeds"
    return tmp_path / "feeds"
