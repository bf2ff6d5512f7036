"""The page behind a reporter's link, and the letters that lead to it: what they tell, what not."""

import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from abuse import outcome
from abuse.emails import link_key
from abuse.kinds import Filed, Strength
from abuse.lifecycle import State
from abuse.models import Report
from customers.models import Tenant
from mailroom import rendering
from mailroom.models import Purpose, Received
from mailroom.tokens import token
from tests.abuse.factories import make_incident, make_received, make_report

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}


def shown(client: Client, path: str) -> str:
    answer = client.get(path, headers=ENGLISH)
    assert answer.status_code == 200
    return str(answer.content.decode())


def page_of(row: Received) -> str:
    return f"/report/{token(f'report:{row.seed}')}/"


# -- The outcome -----------------------------------------------------------------------------


def test_a_link_that_nobody_gave_shows_nothing(client: Client) -> None:
    made_up = client.get(f"/report/{token(f'report:{uuid.uuid4()}')}/", headers=ENGLISH)

    assert made_up.status_code == 404
    assert "This link does not work any more" in made_up.content.decode()
    for odd in ("x", "loop", "%00", "a" * 3000, "한글"):
        assert client.get(f"/report/{odd}/").status_code in {200, 404}


def test_the_page_is_its_readers_alone(client: Client) -> None:
    answer = client.get(page_of(make_report().received))

    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert client.post(page_of(Received.objects.get())).status_code == 405


def test_the_link_in_our_letters_is_the_same(client: Client) -> None:
    report = make_report()

    assert "What became of it" in shown(client, f"/report/{token(link_key(report))}/")


def test_a_mail_for_other_purposes_has_no_page(client: Client) -> None:
    row = make_received(purpose=Purpose.LOOP)

    assert client.get(page_of(row)).status_code == 404


def test_the_page_follows_while_it_is_read_and_ends_then(client: Client) -> None:
    row = make_received()
    assert 'data-live="3"' in shown(client, page_of(row))

    Received.objects.update(unread="too-deep")
    said = shown(client, page_of(row))
    assert "data-live" not in said
    assert "A person looks at it." in said
    assert "too-deep" not in said


INCIDENTS = {
    State.OPEN: "We see who else reports them",
    State.WARNED: "has been warned",
    State.ASKED: "has been asked",
    State.ANSWERED: "has told us what happened",
    State.RESTRICTED: "cannot send as before",
    State.RESOLVED: "The matter is closed",
    State.DISMISSED: "found nothing to stop",
}


@pytest.mark.parametrize("state", State.values)
def test_the_customer_s_standing_is_told_without_a_name(
    client: Client, clinic: Tenant, state: str
) -> None:
    incident = make_incident(clinic, state=state)
    report = make_report(clinic, incident)

    said = shown(client, page_of(report.received))

    assert INCIDENTS[State(state)] in said
    assert "Clinic" not in said
    assert "clinic.example" not in said


@pytest.mark.parametrize("state", State.values)
def test_a_made_up_report_does_not_tell_how_a_customer_stands(
    client: Client, clinic: Tenant, state: str
) -> None:
    incident = make_incident(clinic, state=state)
    report = make_report(clinic, incident, strength=Strength.D)

    said = shown(client, page_of(report.received))

    assert "nothing in it proves who sent it" in said
    assert not any(words in said for words in INCIDENTS.values())


FILED = {
    Filed.DUPLICATE: "Somebody has reported this message already",
    Filed.NO_TENANT: "nothing in it says from which customer",
    Filed.NOT_JUNK: "filtered wrongly",
    Filed.UNSUBSCRIBE: "a wish to get no more",
    Filed.AUTO_REPLY: "nobody wrote by hand",
    Filed.NOTICE: "a machine’s notice",
    Filed.PLAIN: "We found no message in it",
}


@pytest.mark.parametrize("filed", sorted(set(Filed) - {"counted", "same_reporter", "not_ours"}))
def test_whatever_it_was_filed_as_has_words(client: Client, filed: str) -> None:
    report = make_report(filed=filed, strength="")

    assert FILED[Filed(filed)] in shown(client, page_of(report.received))


def test_who_was_counted_today_is_told_so(client: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic, state=State.WARNED)
    report = make_report(clinic, incident, filed=Filed.SAME_REPORTER)

    said = shown(client, page_of(report.received))

    assert "You were counted today already" in said
    assert "has been warned" in said


def test_what_is_not_ours_waits_for_the_registry_and_then_names_the_holder(client: Client) -> None:
    report = make_report(
        filed=Filed.NOT_OURS, strength="N", source_address="203.0.113.9", due_at=timezone.now()
    )
    where = page_of(report.received)
    waiting = shown(client, where)
    assert "We look up whose it is" in waiting
    assert 'data-live="15"' in waiting

    Report.objects.update(due_at=None, holder="Far Networks <b>Ltd</b>")
    said = shown(client, where)
    assert "203.0.113.9 is where it came from" in said
    assert "Far Networks &lt;b&gt;Ltd&lt;/b&gt;" in said
    assert "data-live" not in said

    Report.objects.update(holder="")
    assert "did not tell us whose it is" in shown(client, where)
    Report.objects.update(source_address=None)
    assert "does not say where it came from" in shown(client, where)


def test_the_subject_of_the_junk_is_text(client: Client) -> None:
    report = make_report(subject="<script>alert(1)</script>")

    said = shown(client, page_of(report.received))

    assert "<script>alert" not in said
    assert "&lt;script&gt;alert" in said


@pytest.mark.parametrize("n", [1, 20])
def test_the_page_asks_the_database_once(client: Client, clinic: Tenant, n: int) -> None:
    incident, seed = make_incident(clinic), uuid.uuid4()
    for _ in range(n):
        make_report(clinic, incident, received=make_received(seed=seed))
    where = f"/report/{token(f'report:{seed}')}/"

    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert shown(client, where).count('class="tag good"') == n
    assert len(asked) == 1


def test_no_more_lines_are_shown_than_a_page_may_have() -> None:
    seed = uuid.uuid4()
    for _ in range(outcome.MOST + 1):
        make_received(seed=seed)

    assert len(outcome.lines(token(f"report:{seed}"))) == outcome.MOST


# -- The letters -----------------------------------------------------------------------------


def test_the_letter_of_thanks_has_the_link_and_nothing_of_the_junk() -> None:
    report = make_report(subject="BUY PILLS")
    text = rendering.render("abuse/email/thanks", {"report": report}, "en")

    assert "counted" in text.subject
    assert "[[link]]" in text.body
    assert "PILLS" not in text.subject + text.body
    assert "does not learn who you are" in " ".join(text.body.split())


@pytest.mark.parametrize(
    ("address", "holder", "said"),
    [
        ("203.0.113.9", "Far Networks & Sons", "Far Networks & Sons. Please report it there."),
        ("203.0.113.9", "", "did not tell us whose it is"),
        (None, "", "does not say which address"),
    ],
)
def test_the_letter_about_what_is_not_ours_names_the_holder_where_known(
    address: str | None, holder: str, said: str
) -> None:
    facts = {"report": make_report(), "address": address, "holder": holder}
    text = rendering.render("abuse/email/not_ours", facts, "en")

    flat = " ".join(text.body.split())
    assert said in flat
    assert "[[link]]" in text.body
    assert ("203.0.113.9" in flat) == bool(address)
