"""From the bounce to "off the list", as all its parties live it: real service, real browser."""

import contextlib
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.conftest import Visitors
from tests.e2e.people import SCREENS, Visitor

pytestmark = pytest.mark.browser
BOUNCE = Path(__file__).parents[2] / "docs/try/bounce.eml"
OWNER_WORDS = ("hostmaster@carrier.example", "Carrier Example", "hanbit", "Hanbit", "한빛")

WORDS = {
    "en": {"waiting": "Waiting for the owner of the address space", "off": "is off the list"},
    "ko": {"waiting": "소유자의 답변 대기", "off": "목록에서 해제됨"},
}


# Each flow has a contact of its own: nobody gets more than three letters a week.
ASKED_FIRST = {
    "198.51.100.25": "hostmaster@carrier.example",
    "198.51.100.77": "abuse@hanbit.example",
    "2001:db8:200:10::25": "abuse@nuri.example",
}


def bounce_about(address: str, recipient: str) -> str:
    return (
        BOUNCE.read_text()
        .replace("198.51.100.25", address)
        .replace("dana@clinic.example", recipient)
    )


def open_ticket(customer: Visitor, address: str, recipient: str, name: str) -> str:
    """Paste a bounce, open the ticket; the path of its page."""
    page = customer.go("/tickets/new/")
    customer.look(f"{name}-new")
    page.fill("textarea[name=read-bounce]", bounce_about(address, recipient))
    customer.press("button[name=read]")
    assert page.input_value("input[name=prefix]") == address
    assert page.input_value("input[name=recipient]") == recipient
    assert page.input_value("input[name=sender_email]") == "accounts@bank.example"
    customer.look(f"{name}-filled-in")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url("**/tickets/*/")
    customer.look(f"{name}-opened")
    return page.url.removeprefix(customer.url)


def never_sees_the_owner(customer: Visitor, path: str) -> None:
    text = customer.go(path).content()
    assert not [word for word in OWNER_WORDS if word in text]


def scan(url: str) -> None:
    """What a mail scanner does with a link: HEAD and GET."""
    for method in ("HEAD", "GET"):
        asked = urllib.request.Request(url, method=method)
        with contextlib.suppress(urllib.error.HTTPError):  # it keeps no cookies, so it sees nothing
            urllib.request.urlopen(asked, timeout=20).close()


def confirm(owner: Visitor, link: str, name: str) -> None:
    owner.go(link)
    assert link.rstrip("/").rpartition("/")[2] not in owner.page.url
    owner.look(f"{name}-question")
    owner.page.locator("input[name=answer][value=confirm]").check()
    for box in owner.page.locator("main input[type=checkbox][required]").all():
        box.check()
    named = owner.page.locator("main input[name=name]")
    if named.count():
        named.fill("Robin Example")
    owner.page.locator("main form button.primary").click()
    owner.page.wait_for_load_state()
    owner.look(f"{name}-answered")


def approve(agent: Visitor, address: str, name: str) -> None:
    for _ in range(60):
        agent.go(f"/desk/tickets/case/?q={address}")
        agent.look(f"{name}-queue")
        agent.page.locator("main a.addr").first.click()
        agent.page.wait_for_load_state()
        if agent.page.locator("button[value=approve]").count():
            break
        agent.page.wait_for_timeout(500)
    agent.look(f"{name}-case")
    agent.page.reload()
    agent.page.screenshot(path=SCREENS / f"{name}-case-top.png")
    agent.page.locator("button[value=approve]").click()
    agent.page.wait_for_load_state()
    agent.look(f"{name}-approved")


def feed(url: str) -> list[str]:
    """The lines of the feed, as soon as there is one."""
    for _ in range(60):
        try:
            with urllib.request.urlopen(f"{url}/feeds/plain/", timeout=20) as answer:
                text: str = answer.read().decode()
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            time.sleep(0.5)
        else:
            return [line.removesuffix("/32").removesuffix("/128") for line in text.splitlines()]
    raise AssertionError("no feed")


def play(visitors: Visitors, language: str, address: str, *, script: bool, name: str) -> None:
    words = WORDS[language]
    email = {"en": "dana@clinic.example", "ko": "hana@school.example"}[language]
    contact = ASKED_FIRST[address]
    customer = visitors(language, script=script)
    customer.sign_in(email)
    assert address in feed(customer.url)
    path = open_ticket(customer, address, email, name)

    sender = visitors(language, script=script, phone=True)
    sender.go(sender.letter_to("accounts@bank.example", address))
    sender.page.fill("textarea[name=what_was_wrong]", "A mailbox was taken over in February.")
    sender.page.fill("textarea[name=what_changed]", "New password; outgoing mail is limited now.")
    for box in ("runs_server", "found_cause", "has_stopped"):
        sender.page.check(f"input[name={box}]")
    sender.look(f"{name}-sender")
    sender.page.locator("form[action$='attest/'] button").click()
    sender.page.wait_for_load_state()
    own_page = sender.page.url.removeprefix(sender.url)

    customer.wait_until(path, words["waiting"])
    customer.look(f"{name}-waiting")
    owner = visitors(language, script=script, dark=True)
    link = owner.letter_to(contact, address)
    scan(link)
    customer.wait_until(path, words["waiting"])
    confirm(owner, link, name)

    agent = visitors(language, script=script)
    agent.sign_in({"en": "minji@mail.example", "ko": "joon@mail.example"}[language])
    approve(agent, address, name)

    customer.wait_until(path, words["off"])
    customer.look(f"{name}-delisted")
    sender.wait_until(own_page, words["off"])
    sender.look(f"{name}-sender-delisted")
    assert address not in feed(customer.url)
    never_sees_the_owner(customer, path)
    never_sees_the_owner(sender, own_page)


def test_the_whole_way_in_english(visitors: Visitors) -> None:
    play(visitors, "en", "198.51.100.25", script=True, name="en")


def test_the_whole_way_in_korean(visitors: Visitors) -> None:
    play(visitors, "ko", "198.51.100.77", script=True, name="ko")


def test_the_whole_way_without_a_script(visitors: Visitors) -> None:
    play(visitors, "en", "2001:db8:200:10::25", script=False, name="plain")


@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desk"])
@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_reads_well(visitors: Visitors, language: str, dark: bool, phone: bool) -> None:
    name = f"{language}-{'dark' if dark else 'light'}-{'phone' if phone else 'desk'}"
    customer = visitors(language, dark=dark, phone=phone)
    customer.go("/")
    customer.look(f"{name}-front")
    customer.sign_in("hana@school.example" if language == "ko" else "dana@clinic.example")
    for path in (
        "/tickets/",
        "/tickets/refused/",
        "/account/members/",
        "/account/keys/",
        "/account/profile/",
    ):
        customer.go(path)
        customer.look(f"{name}{path.replace('/', '-').rstrip('-')}")
    customer.go("/mailbox/")
    customer.look(f"{name}-mailbox")
    agent = visitors(language, dark=dark, phone=phone)
    agent.sign_in("joon@mail.example")
    for path in ("/desk/tickets/case/", "/desk/listings/listing/", "/desk/ownership/request/",
                 "/desk/listings/sink/", "/desk/listings/protected/",
                 "/desk/delisting/delistrequest/", "/desk/delisting/rule/",
                 "/desk/delisting/referral/",
                 "/desk/mailroom/letter/", "/desk/health/"):  # fmt: skip
        agent.go(path)
        agent.look(f"{name}{path.replace('/', '-').rstrip('-')}")
