"""How every test runs: which database, what a skip means, whom the tests know."""

import os
import shutil
from collections.abc import Generator
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as examples

pytest_plugins = ["tests.cast"]

REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"
EXCUSED = (
    "corpora",  # the reference corpora are no part of this repository: no package brings them
    "bin/with-postgres",  # the other leg runs it
)

# No clock on the wall decides about a test: a busy machine may take its time over an example.
# The same examples come every time; pytest --hypothesis-profile=search looks for others.
examples.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.register_profile("same", examples.get_profile("search"), derandomize=True)
examples.load_profile("same")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(settings.POSTERN_VAR, ignore_errors=True)


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
    if (
        report.skipped
        and not hasattr(report, "wasxfail")
        and not any(word in reason for word in EXCUSED)
    ):
        report.outcome = "failed"
        report.longrepr = f"Skipped, and REQUIRE_ALL=1 wants every test run. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if REQUIRE_ALL:
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, Any, pytest.CollectReport]:
    report: pytest.CollectReport = yield
    if REQUIRE_ALL:
        _refuse_skip(report)
    return report


@pytest.fixture(autouse=True)
def no_language_is_left_over() -> Generator[None, None, None]:
    """A page read in Korean leaves its language in the thread; the next test begins without."""
    yield
    translation.deactivate()
