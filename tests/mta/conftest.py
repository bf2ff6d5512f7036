"""The mail servers of these tests, in a network of their own."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mta import network
from tests.mta.rbldnsd import Unbound

FIGURES = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show what was measured, though the tests that did so have passed."""
    if lines := config.stash.get(FIGURES, []):
        terminalreporter.section("mail servers")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture
def tell(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Say a line in the summary at the end of the run."""
    return pytestconfig.stash.setdefault(FIGURES, []).append


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/mta/" in str(item.path):
            item.add_marker(pytest.mark.mta)


@pytest.fixture(scope="module")
def own_network() -> Iterator[None]:
    network.require_programs()
    with network.own_network():
        yield


@pytest.fixture(scope="module")
def room(own_network: None) -> Iterator[Path]:
    """A folder that the servers' own users can enter, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="postern-mta-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def feeds(room: Path) -> Path:
    """What ``POSTERN_FEED_DIR`` names."""
    (room / "feeds").mkdir()
    return room / "feeds"


@pytest.fixture(scope="module")
def resolver(room: Path) -> Iterator[Unbound]:
    with Unbound(room) as server:
        yield server
