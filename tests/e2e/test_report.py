"""Reporting junk in a browser: dropped files, how far the sending is, and what became of it."""

import re

import pytest
from playwright.sync_api import FilePayload, Locator, Page

from tests.abuse.mails import junk
from tests.e2e.conftest import Visitors
from tests.e2e.people import Visitor

pytestmark = pytest.mark.browser
SLOW = 400_000  # octets a second
DROP = """(files) => {
    const held = new DataTransfer();
    for (const [name, size, text] of files) held.items.add(new File([text.padEnd(size)], name));
    return held;
}"""
TELL = """() => {
    const said = document.querySelector("output");
    const tell = () => console.log(`sent: ${said.textContent}`);
    new MutationObserver(tell).observe(said, { childList: true });
}"""
OUTCOME = re.compile(r"/report/[\w-]{43}/$")


def eml(number: int) -> FilePayload:
    return {"name": f"junk-{number}.eml", "mimeType": "message/rfc822", "buffer": junk(number)}


def drop(page: Page, *files: tuple[str, int, str]) -> None:
    held = page.evaluate_handle(DROP, [list(file) for file in files])
    page.dispatch_event("form[data-report]", "drop", {"dataTransfer": held})


def rows(page: Page) -> Locator:
    return page.locator("[data-chosen] tbody tr")


def wait_until_read(visitor: Visitor, where: str) -> None:
    for _ in range(120):
        visitor.go(where)
        if not visitor.page.locator("[data-live='3']").count():
            return
        visitor.page.wait_for_timeout(500)
    raise AssertionError(f"never read: {visitor.text()}")


def test_dropped_files_are_listed_sent_with_progress_and_followed(visitors: Visitors) -> None:
    visitor = visitors("en")
    page = visitor.go("/")
    visitor.press("a.door[href='/report/']")
    assert not page.locator("input[name=purpose]:checked").count()
    assert page.locator(".btn.primary").count() == 1
    visitor.look("report-form")

    page.check("input[name=purpose][value=junk]")
    drop(page, ("one.eml", 0, junk(101).decode()), ("two.eml", 1_500_000, junk(102).decode()))
    drop(page, ("three.eml", 0, junk(103).decode()))
    assert rows(page).count() == 3
    assert "1.4 MB" in rows(page).nth(1).inner_text()
    page.get_by_role("button", name="Take out three.eml").click()
    assert rows(page).count() == 2
    visitor.look("report-chosen")

    network = page.context.new_cdp_session(page)
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SLOW},
    )
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.evaluate(TELL)
    page.locator("main form button.primary").click()
    page.wait_for_url(OUTCOME)
    assert [part for part in seen if part in {f"sent: {n} %" for n in range(1, 100)}], seen
    assert page.locator("tbody tr").count() == 2
    page.locator("#standing:not([data-live='3'])").wait_for()  # it follows by itself
    text = visitor.text()
    assert "Win a prize 101" in text
    assert "Win a prize 102" in text
    visitor.look("report-outcome")


def test_too_much_is_refused_before_it_is_sent(visitors: Visitors) -> None:
    visitor = visitors("en", phone=True)
    page = visitor.go("/report/")
    page.check("input[name=purpose][value=junk]")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    problem = page.locator("[data-problem]")

    drop(page, ("large.eml", 11 * 1024 * 1024, ""))
    assert problem.inner_text().startswith("large.eml: it is larger than 10 MiB.")
    page.locator("main form button.primary").click()
    visitor.look("report-too-large")
    page.get_by_role("button", name="Take out large.eml").click()
    assert problem.is_hidden()

    drop(page, *[(f"{n}.eml", 9 * 1024 * 1024, str(n)) for n in range(3)])
    assert "Together they are larger than 25 MiB" in problem.inner_text()
    page.locator("main form button.primary").click()
    assert "POST" not in sent


def test_what_the_server_refuses_is_shown_and_the_files_are_kept(visitors: Visitors) -> None:
    visitor = visitors("en")
    page = visitor.go("/report/")
    page.check("input[name=purpose][value=junk]")
    drop(page, ("picture.eml", 0, "%PDF-1.7"), ("one.eml", 0, junk(104).decode()))

    page.locator("main form button.primary").click()

    visitor.see("picture.eml: This is a picture, a document or an archive")
    assert rows(page).count() == 2
    visitor.look("report-refused")
    page.get_by_role("button", name="Take out picture.eml").click()
    page.locator("main form button.primary").click()
    page.wait_for_url(OUTCOME)


def test_files_chosen_one_after_the_other_are_all_sent(visitors: Visitors) -> None:
    visitor = visitors("en")
    page = visitor.go("/report/")
    page.check("input[name=purpose][value=not_junk]")
    for number in (105, 106, 105):
        page.set_input_files("input[name=files]", [eml(number)])
    assert rows(page).count() == 2 + 1  # a file that changed on the disk is another

    page.locator("main form button.primary").click()

    page.wait_for_url(OUTCOME)
    assert page.locator("tbody tr").count() == 2


def test_without_script_on_a_phone_in_korean(visitors: Visitors) -> None:
    visitor = visitors("ko", script=False, phone=True, dark=True)
    page = visitor.go("/report/")
    assert page.locator("[data-drop]").is_hidden()
    page.check("input[name=purpose][value=junk]")
    page.set_input_files("input[name=files]", [eml(107), eml(108)])
    page.fill("textarea[name=text]", junk(109).decode())
    visitor.look("report-ko-phone-form")
    page.locator("main form button.primary").click()
    page.wait_for_url(OUTCOME)
    assert page.locator("tbody tr").count() == 3
    wait_until_read(visitor, page.url)
    assert "Win a prize 107" in visitor.text()
    visitor.look("report-ko-phone-outcome")

    page = visitor.go("/report/")  # the same once more: known, and no link is shown
    page.check("input[name=purpose][value=junk]")
    page.set_input_files("input[name=files]", [eml(107)])
    page.locator("main form button.primary").click()
    page.wait_for_load_state()
    assert page.url.endswith("/report/")
    assert page.locator(".notice").count() == 1


@pytest.mark.parametrize(
    ("language", "phone", "dark"),
    [("ko", True, True), ("en", False, False)],
    ids=["korean-phone-dark", "english-desk"],
)
def test_a_feedback_loop_is_asked_for_and_ended(
    visitors: Visitors, language: str, phone: bool, dark: bool
) -> None:
    visitor, name = visitors(language, phone=phone, dark=dark), f"report-loop-{language}"
    page = visitor.go("/report/")
    visitor.look(f"{name}-form")
    page.locator("main a[href='/report/loop/']").click()
    page.wait_for_url("**/report/loop/")
    visitor.look(f"{name}-ask")
    page.fill("input[name=domain]", f"{language}.far.example")
    page.fill("input[name=email]", f"fbl@{language}.far.example")
    page.locator("main form button.primary").click()
    page.wait_for_url(re.compile(r"/report/loop/[\w-]{43}/$"))
    assert "fbl+" in visitor.text()
    visitor.look(f"{name}-asked")
    page.locator("main .btn.danger").click()
    page.locator("main .btn.danger").wait_for(state="detached")
    visitor.look(f"{name}-ended")


def test_unknown_links_have_a_page(visitors: Visitors) -> None:
    visitor = visitors("ko", phone=True, dark=True)
    for path in ("/report/nowhere/", "/report/loop/nowhere/"):
        visitor.go(path)
        visitor.look("report-unknown")
