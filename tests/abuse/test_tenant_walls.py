"""What a tenant's pages, copies and API keep from it, and from others; its feedback loops."""

import email
import email.policy
from typing import Any

import pytest
from django.test import Client

from abuse.lifecycle import State
from abuse.models import Loop
from customers.models import Tenant, User
from mailroom.models import Letter
from tests.abuse.factories import (
    REPORTER,
    hostile_report,
    make_incident,
    make_loop,
    make_report,
)
from tests.tickets.test_access import without_token

pytestmark = pytest.mark.django_db
LIST = "/junk/"


@pytest.fixture
def browser(client: Client, dana: User) -> Client:
    client.force_login(dana)
    return client


def text(browser: Client, path: str) -> str:
    answer = browser.get(path, headers={"accept-language": "en"})
    assert answer.status_code == 200
    return answer.content.decode()


# -- The wall ---------------------------------------------------------------------------


def test_a_stranger_and_whoever_asks_for_nothing_get_the_same_404(
    client: Client, clinic: Tenant, charlie: User
) -> None:
    incident = make_incident(clinic, state=State.ASKED)
    report = make_report(clinic, incident)
    loop = make_loop(clinic)
    client.force_login(charlie)

    for hidden, missing in (
        (f"/junk/{incident.pk}/", "/junk/99999/"),
        (f"/junk/{incident.pk}/step/", "/junk/99999/step/"),
        (f"/junk/reports/{report.pk}/", "/junk/reports/99999/"),
        (f"/junk/reports/{report.pk}/copy.eml", "/junk/reports/99999/copy.eml"),
        (f"/junk/loops/{loop.pk}/end/", "/junk/loops/99999/end/"),
    ):
        one, other = client.get(hidden), client.get(missing)
        assert (one.status_code, other.status_code) == (404, 404), hidden
        assert without_token(one) == without_token(other)
    assert client.post(f"/junk/{incident.pk}/step/").status_code == 404
    assert client.post(f"/junk/loops/{loop.pk}/end/").status_code == 404
    assert Loop.objects.live().exists()
    page = client.get(LIST)
    assert page.context["incidents"] == page.context["reports"] == page.context["loops"] == []


def test_agents_are_shown_to_the_desk_and_visitors_to_the_door(
    client: Client, clinic: Tenant, minji: User
) -> None:
    incident = make_incident(clinic)
    for path in (LIST, f"/junk/{incident.pk}/"):
        assert client.get(path)["Location"].startswith("/account/login/")
    client.force_login(minji)
    for path in (LIST, f"/junk/{incident.pk}/"):
        assert client.get(path)["Location"] == "/desk/abuse/incident/"


def test_a_person_without_a_tenant_has_no_page(client: Client, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_user("nobody@x.example"))
    assert client.get(LIST).status_code == 404


# -- Copies, and who reported ----------------------------------------------------------


def test_a_message_that_is_no_longer_kept_has_no_copy(browser: Client, clinic: Tenant) -> None:
    report = make_report(
        clinic, evidence="", reporter_email="", facts={}, subject="For pat@far.example: a prize"
    )
    page = text(browser, f"/junk/reports/{report.pk}/")
    assert "The message is no longer kept." in page
    assert "For redacted: a prize" in page
    assert browser.get(f"/junk/reports/{report.pk}/copy.eml").status_code == 404


def test_the_copy_is_a_download_in_the_form_of_rfc_5965(browser: Client, clinic: Tenant) -> None:
    report = make_report(clinic)
    answer = browser.get(f"/junk/reports/{report.pk}/copy.eml")

    assert answer["Content-Type"] == "message/rfc822"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert answer["X-Content-Type-Options"] == "nosniff"
    mail = email.message_from_bytes(answer.content, policy=email.policy.default)
    assert mail.get_content_type() == "multipart/report"
    assert mail["To"] is None
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "message/feedback-report", "message/rfc822"]
    assert b"Feedback-Type: abuse\r\n" in answer.content
    assert b"Win a prize" in answer.content
    assert b"\r\r" not in answer.content
    assert answer.content.isascii()
    assert browser.get(f"/junk/reports/{report.pk}/copy.eml").content == answer.content


def test_the_evidence_is_shown_as_text_and_runs_nowhere(browser: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)
    report = hostile_report(clinic, incident)
    for path in (LIST, f"/junk/{incident.pk}/", f"/junk/reports/{report.pk}/"):
        page = text(browser, path)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_no_page_and_no_copy_tells_who_reported(browser: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)
    report = hostile_report(clinic, incident)
    for path in (
        LIST, f"/junk/{incident.pk}/", f"/junk/reports/{report.pk}/",
        f"/junk/reports/{report.pk}/copy.eml",
        "/api/v1/reports/", f"/api/v1/reports/{report.pk}/", "/api/v1/incidents/",
        f"/api/v1/incidents/{incident.pk}/",
    ):  # fmt: skip
        found = browser.get(path, headers={"accept-language": "en"}).content.decode().lower()
        assert [word for word in REPORTER if word in found] == [], path


# -- Feedback loops ---------------------------------------------------------------------


def test_an_admin_begins_and_ends_a_feedback_loop(browser: Client, clinic: Tenant) -> None:
    body = {"domain": "News.clinic.example", "email": "fbl@clinic.example"}
    assert browser.post("/junk/loops/", body).status_code == 302
    loop = Loop.objects.live().get()
    assert (loop.domain, loop.tenant) == ("news.clinic.example", clinic)
    assert Letter.objects.get().kind == "loop-proved"
    assert "fbl@clinic.example" in text(browser, LIST)

    assert browser.get(f"/junk/loops/{loop.pk}/end/").status_code == 302
    assert Loop.objects.live().exists()
    assert browser.post(f"/junk/loops/{loop.pk}/end/").status_code == 302
    assert not Loop.objects.live().exists()


@pytest.mark.parametrize(
    "body",
    [
        {"domain": "school.example", "email": "fbl@clinic.example"},
        {"domain": "no domain", "email": "fbl@clinic.example"},
        {"domain": "clinic.example", "email": "no mailbox"},
        {"domain": "clinic.example", "email": "a\0@x.example"},
        {},
    ],
)
def test_a_feedback_loop_for_what_is_not_theirs_is_refused_in_words(
    browser: Client, clinic: Tenant, body: dict[str, str]
) -> None:
    answer = browser.post("/junk/loops/", body)
    assert answer.status_code in {409, 422}
    assert answer.context["form"].errors
    assert not Loop.objects.exists()


def test_a_tenant_begins_ten_feedback_loops_a_day_at_most(browser: Client, clinic: Tenant) -> None:
    for number in range(11):
        body = {"domain": "clinic.example", "email": f"fbl{number}@clinic.example"}
        answer = browser.post("/junk/loops/", body)
    assert answer.status_code == 429
    assert Loop.objects.count() == 10


def test_members_begin_and_end_no_feedback_loop(client: Client, clinic: Tenant, erin: User) -> None:
    loop = make_loop(clinic)
    client.force_login(erin)
    body = {"domain": "clinic.example", "email": "other@clinic.example"}
    assert client.post("/junk/loops/", body).status_code == 403
    assert client.post(f"/junk/loops/{loop.pk}/end/").status_code == 403
    assert Loop.objects.live().get() == loop


def test_hops_of_the_reporters_network_are_hidden_and_the_senders_own_are_kept(
    browser: Client, clinic: Tenant
) -> None:
    evidence = (
        "Received: from mx.in.example by store.in.example; Thu, 26 Nov 2026 09:00:02 +0000\n"
        "Received: from out.clinic.example ([192.0.2.10]) by mx.in.example (Postfix) with ESMTP\n"
        " id 4711; Thu, 26 Nov 2026 09:00:00 +0000\n"
        "Received: from desk by out.clinic.example; Thu, 26 Nov 2026 08:59:59 +0000\n\nHello\n"
    )
    report = make_report(clinic, evidence=evidence)
    message = browser.get(f"/junk/reports/{report.pk}/").context["message"]
    assert "in.example" not in message
    assert "from [192.0.2.10] by redacted; Thu, 26 Nov 2026 09:00:00 +0000" in message
    assert "4711" not in message  # what the reporter's server calls the message
    assert "from desk by out.clinic.example" in message
    assert "09:00:02" not in message  # above the entry nothing is shown
