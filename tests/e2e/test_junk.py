"""Junk that is reported of a customer: what its admin and an agent see, in both languages."""

import re

import pytest

from tests.e2e.conftest import Visitors
from tests.e2e.people import Visitor

pytestmark = pytest.mark.browser


def speak(visitor: Visitor, language: str) -> None:
    button = visitor.page.locator(f"footer button[name=language][value={language}]")
    if button.count():
        button.click()
        visitor.page.wait_for_load_state()
    assert visitor.page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize(("language", "phone"), [("en", False), ("ko", True)])
def test_the_admin_of_the_customer_sees_what_is_reported(
    visitors: Visitors, language: str, phone: bool
) -> None:
    dana = visitors(language, phone=phone, dark=phone)
    dana.sign_in("dana@clinic.example")
    dana.wait_until("/junk/", "You have won")
    speak(dana, language)
    assert "reader0@inbox.example" not in dana.text()
    dana.look(f"junk-{language}-list")

    dana.page.locator("main a[href^='/junk/']", has_not_text="reports").first.click()
    dana.page.wait_for_load_state()
    dana.look(f"junk-{language}-incident")
    assert "reader0" not in dana.page.content()

    dana.go("/junk/")
    dana.page.locator("main a[href^='/junk/reports/']").first.click()
    dana.page.wait_for_load_state()
    dana.look(f"junk-{language}-report")
    assert re.search(r"reader\d", dana.page.content()) is None


@pytest.mark.parametrize("language", ["en", "ko"])
def test_an_agent_finds_the_incident_with_its_evidence(visitors: Visitors, language: str) -> None:
    agent = visitors(language)
    agent.sign_in("minji@mail.example" if language == "en" else "joon@mail.example")
    agent.wait_until("/desk/abuse/incident/", "Clinic")
    agent.look(f"junk-{language}-desk")
    agent.page.locator("#result_list tbody a").first.click()
    agent.page.wait_for_load_state()
    assert "You have won" in agent.text()
    agent.look(f"junk-{language}-desk-incident")
    agent.go("/desk/abuse/report/")
    agent.look(f"junk-{language}-desk-reports")
    agent.go("/desk/abuse/report/?left=open&filed__exact=plain")
    agent.page.locator("#result_list tbody a").first.click()
    agent.page.wait_for_load_state()
    assert "Who reads these mails?" in agent.text()
    agent.look(f"junk-{language}-desk-report")
    agent.page.locator("section.panel form button").click()
    agent.page.wait_for_load_state()
    agent.look(f"junk-{language}-desk-report-closed")
    assert agent.page.locator("button[name=again]").is_visible()
    agent.page.locator("button[name=again]").click()
    agent.page.wait_for_load_state()
    agent.go("/desk/mailroom/received/?is=unread")
    agent.look(f"junk-{language}-desk-unread")
