"""Documentation prefixes stand in for public space in these tests, as in demo mode."""

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def documentation_prefixes_are_public(settings: Any) -> None:
    settings.POSTERN_DEMO = True
