"""The whole service as ``make run`` starts it, and a real browser to use it with."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.delisting.dns import Dns
from tests.e2e.people import Visitor

ROOT = Path(__file__).parents[2]
SCREENS = ROOT / "build/screens"
START = 60.0  # seconds for the first page
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demo of its own on free ports; its address."""
    var = tmp_path_factory.mktemp("service")
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("POSTERN_", "EMAIL_", "DJANGO_", "DATABASE", "SECRET"))
    }
    names = Dns()  # the only name server that is asked: it knows one server
    names.records |= {
        ("200.100.51.198.in-addr.arpa", "PTR"): ["mail.bank.example."],
        ("mail.bank.example", "A"): ["198.51.100.200"],
        ("bank.example", "TXT"): ['"v=spf1 mx -all"'],
    }
    environ |= {"POSTERN_DEMO": "yes", "POSTERN_VAR": str(var), "POSTERN_DNS": names.address}
    log = (var / "service.log").open("w+")
    child = subprocess.Popen(
        [sys.executable, "-m", "escalation.serve"],
        cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        yield _address(child, var / "service.log")
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(60)
        names.stop()
        log.close()
        SCREENS.mkdir(parents=True, exist_ok=True)
        shutil.copy(var / "service.log", SCREENS / "service.log")


def _address(child: "subprocess.Popen[bytes]", log: Path) -> str:
    end = time.monotonic() + START
    while time.monotonic() < end and child.poll() is None:
        words = log.read_text().split()
        for word in words:
            if word.startswith("http://127.0.0.1:") and word.count("/") >= 3:
                url = "/".join(word.split("/")[:3])
                if _answers(f"{url}/account/login/"):
                    return url
        time.sleep(0.2)
    raise AssertionError(f"the service did not start:\n{log.read_text()[-3000:]}")


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("No Chromium found. On Debian: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visitors(service: str, chromium: Browser) -> Iterator["Visitors"]:
    made = Visitors(service, chromium)
    yield made
    made.leave()


class Visitors:
    """Makes people, each with a browser window of their own."""

    def __init__(self, url: str, browser: Browser) -> None:
        self.url, self.browser = url, browser
        self.made: list[Visitor] = []

    def __call__(
        self, language: str = "en", *, script: bool = True, phone: bool = False, dark: bool = False
    ) -> Visitor:
        context = self.browser.new_context(
            locale={"en": "en-US", "ko": "ko-KR"}[language],
            java_script_enabled=script,
            viewport={"width": 390, "height": 844} if phone else {"width": 1440, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(20_000)
        visitor = Visitor(context.new_page(), self.url, script=script)
        self.made.append(visitor)
        return visitor

    def leave(self) -> None:
        problems = [problem for visitor in self.made for problem in visitor.problems]
        for visitor in self.made:
            visitor.page.context.close()
        assert not problems, "\n".join(problems)
