"""A person with a browser window: goes to pages, and looks at each with a critic's eyes."""

import re
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Locator, Page, Response

SCREENS = Path(__file__).parents[2] / "build/screens"
PASSWORD = "postern-demo"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Visitor:
    """Collects what is wrong with any page visited: axe, CSP, errors, sideways scrolling."""

    def __init__(self, page: Page, url: str, *, script: bool) -> None:
        self.page, self.url, self.script = page, url, script
        self.problems: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.problems.append(f"{self.page.url}: console: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.problems.append(f"{response.url}: {response.status}")
        if not response.url.startswith((self.url, "data:")):
            self.problems.append(f"from a third party: {response.url}")

    def go(self, path: str) -> Page:
        self.page.goto(path if path.startswith("http") else self.url + path)
        return self.page

    def sign_in(self, email: str) -> None:
        self.go("/account/login/")
        self.page.fill("input[name=login]", email)
        self.page.fill("input[name=password]", PASSWORD)
        self.look("login")
        self.page.locator("main form button[type=submit]").first.click()
        self.page.wait_for_url(re.compile(r"/(tickets|desk)/"))

    def press(self, where: str) -> None:
        self.page.locator(where).click()
        self.page.wait_for_load_state()

    def see(self, words: str) -> Locator:
        found = self.page.get_by_text(words).first
        found.wait_for()
        return found

    def text(self) -> str:
        return self.page.locator("body").inner_text()

    def look(self, name: str) -> None:
        """Take a picture, and let axe look; folds are opened first."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        if self.script:
            self.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            self._accessible(name)
            self._no_sideways(name)
        self.page.screenshot(path=SCREENS / f"{name}.png", full_page=True)

    def _accessible(self, name: str) -> None:
        options = {"runOnly": {"type": "tag", "values": WCAG}}
        found = Axe().run(self.page, options=options).response["violations"]
        for violation in found:
            nodes = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            self.problems.append(f"{name} ({self.page.url}): {violation['id']}: {nodes}")

    def _no_sideways(self, name: str) -> None:
        wide = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if wide > 0:
            self.problems.append(f"{name} ({self.page.url}): {wide} px too wide")

    def letter_to(self, recipient: str, about: str) -> str:
        """Wait for the newest letter to ``recipient`` about an address; its link."""
        for _ in range(60):
            self.go("/mailbox/")
            rows = self.page.locator("main tr, main li").filter(has_text=recipient)
            for row in rows.all():
                row.locator("a").first.click()
                self.page.wait_for_load_state()
                body = self.text()
                links = re.findall(rf"{re.escape(self.url)}/(?:answer|case|delist)/[\w-]+/", body)
                if about in body and links:
                    return str(links[0])
                self.go("/mailbox/")
            self.page.wait_for_timeout(500)
        raise AssertionError(f"no letter to {recipient} about {about}: {self.text()}")

    def wait_until(self, path: str, words: str, seconds: int = 60) -> None:
        """Reload ``path`` until it says ``words``."""
        for _ in range(seconds * 2):
            self.go(path)
            if words in self.text():
                return
            self.page.wait_for_timeout(500)
        raise AssertionError(f"{path} never said {words!r}: {self.text()}")
