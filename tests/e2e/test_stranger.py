"""A stranger in trouble, from the pasted bounce to "let in": on a phone, in Korean, without script.


And with one: answers that arrive by themselves, a proof of work, a page that follows the work.
"""

import re
import urllib.request

import pytest

from tests.e2e.conftest import Visitors
from tests.e2e.people import Visitor
from tests.e2e.test_flow import bounce_about

pytestmark = pytest.mark.browser
MAILBOX = "postmaster@shop.example"
MOST = 60_000  # octets over the wire that one page may take, without pictures
WORDS = {
    "en": {"lifted": "Your address is let in.", "found": "You may lift this listing yourself."},
    "ko": {
        "lifted": "귀하의 주소가 차단 해제되었습니다.",
        "found": "이 등재는 직접 해제하실 수 있습니다.",
    },
}
GUIDE = """
getting-started requirements authentication filters bulk
troubleshooting delisting cases abuse privacy
"""
PUBLIC = [
    "/", "/diagnosis/", "/diagnosis/?address=203.0.113.140", "/delist/",
    "/delist/?address=203.0.113.140", "/delist/?address=203.0.113.5", "/delist/?address=8.8.8.8",
    "/guide/", *(f"/guide/{name}/" for name in GUIDE.split()), "/guide/codes/",
    "/guide/codes/5.7.606/", "/guide/codes/5.7.1/", "/guide/search/?q=dkim", "/transparency/",
]  # fmt: skip


def play(visitor: Visitor, language: str, address: str, name: str) -> None:
    """All the way, by what can be seen and pressed."""
    words = WORDS[language]
    page = visitor.go("/")
    visitor.look(f"{name}-front")
    page.fill("textarea[name=bounce]", bounce_about(address, "dana@clinic.example"))
    visitor.press("main form button.primary")
    assert page.locator("h1").inner_text().count(address) == 1
    assert page.locator(".btn.primary").count() == 1
    visitor.look(f"{name}-answer")

    visitor.press("main a.btn.primary")
    assert words["found"] in visitor.text()
    visitor.look(f"{name}-delist")
    for box in ("runs_server", "found_cause", "has_stopped"):
        assert not page.is_checked(f"input[name={box}]")
        page.check(f"input[name={box}]")
    page.fill("textarea[name=changed]", "A stolen password sent it. It is changed now.")
    page.fill("input[name=email]", MAILBOX)
    page.locator("form[action$='ask/'] button").click()
    page.wait_for_url("**/delist/request/*/")
    visitor.look(f"{name}-asked")
    status = page.url

    link = visitor.letter_to(MAILBOX, address)
    assert "/delist/request/" not in link
    visitor.go(link)
    visitor.look(f"{name}-confirm")
    visitor.press("main form button.primary")
    page.wait_for_url(status)
    if visitor.script:
        visitor.see(words["lifted"])  # the page follows by itself
    else:
        visitor.wait_until(status.removeprefix(visitor.url), words["lifted"])
    visitor.look(f"{name}-lifted")


@pytest.mark.parametrize(
    ("language", "script", "phone", "dark", "address"),
    [
        ("ko", False, True, False, "203.0.113.201"),
        ("en", True, True, True, "198.51.100.200"),
        ("ko", True, False, False, "203.0.113.150"),
    ],
    ids=["korean-phone-no-script", "english-phone-dark", "korean-desk"],
)
def test_from_the_pasted_bounce_to_let_in(
    visitors: Visitors, language: str, script: bool, phone: bool, dark: bool, address: str
) -> None:
    visitor = visitors(language, script=script, phone=phone, dark=dark)

    play(visitor, language, address, f"stranger-{language}-{'phone' if phone else 'desk'}")


def test_what_the_dns_says_arrives_by_itself_and_work_is_proved(visitors: Visitors) -> None:
    visitor = visitors("en")
    visitor.go("/diagnosis/?address=198.51.100.200")
    visitor.see("and it points back to the address")
    visitor.look("answer-live")

    page = visitor.go("/delist/?address=203.0.113.151")
    for box in ("runs_server", "found_cause", "has_stopped"):
        page.check(f"input[name={box}]")
    page.fill("textarea[name=changed]", "A stolen password sent it. It is changed now.")
    page.fill("input[name=email]", "work@shop.example")
    with page.expect_request(lambda sent: sent.url.endswith("/delist/ask/")) as asked:
        page.locator("form[action$='ask/'] button").click()
    assert re.search(r"name=\"?work|work=[A-Za-z0-9%]{100}", asked.value.post_data or "")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_public_page_stands_a_critics_look(visitors: Visitors, language: str) -> None:
    visitor = visitors(language, phone=language == "ko", dark=language == "ko")
    for path in PUBLIC:
        visitor.go(path)
        name = re.sub(r"[^a-z0-9]+", "-", path) or "-"
        visitor.look(f"public-{language}{name}")


def test_no_public_page_is_heavy(service: str) -> None:
    """Over the wire, with style and script as a first visit fetches them."""
    shared = 0
    first = fetched(f"{service}/").decode()
    for path in re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', first):
        shared += len(fetched(service + path, raw=True))
    for path in PUBLIC:
        whole = shared + len(fetched(service + path, raw=True))
        assert whole <= MOST, f"{path}: {whole} octets, {shared} of them style and script"


def fetched(url: str, *, raw: bool = False) -> bytes:
    """A body as it goes over the wire."""
    asked = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"} if raw else {})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        body: bytes = answer.read()
    return body
