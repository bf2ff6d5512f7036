"""What the sweeps of cases must neither miss nor say twice."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from customers.models import Tenant
from mailroom.models import Letter
from tests.tickets.factories import make_ticket
from tickets import jobs
from tickets.lifecycle import Party, State
from tickets.models import Case, Message

pytestmark = pytest.mark.django_db


def test_a_sender_whose_server_refuses_our_letter_is_told_of_once(clinic: Tenant) -> None:
    ticket = make_ticket(clinic)
    Letter.objects.filter(recipient=ticket.sender_email).update(
        refused_at=timezone.now(), smtp_code=550, smtp_reply="550 5.1.1 no such user"
    )

    jobs.sweep_cases()
    jobs.sweep_cases()

    customer = ticket.conversations.get(party=Party.CUSTOMER)
    noted = customer.messages.filter(text__contains="no such user")
    assert noted.count() == 1


def test_every_refused_letter_is_told_of_however_many_there_are(
    clinic: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MOST_REFUSALS", 2)
    tickets = [make_ticket(clinic) for _ in range(4)]
    Letter.objects.filter(kind__startswith="sender-").update(
        refused_at=timezone.now() - timedelta(days=2), smtp_reply="550 5.1.1 no such user"
    )

    jobs.note_refused_letters()
    jobs.note_refused_letters()

    told = Message.objects.filter(
        conversation__party=Party.CUSTOMER, text__contains="no such user"
    ).exclude(key="")
    assert told.count() == len(tickets)


def test_a_case_that_fails_too_often_is_told_of_once_and_can_be_taken_up_again(
    clinic: Tenant,
) -> None:
    cases = [make_ticket(clinic).case for _ in range(2)]
    Case.objects.update(attempts=8, last_error="KeyError: 'x'")

    jobs.sweep_cases()

    alert = Letter.objects.get(kind=Letter.ALERT)
    assert "KeyError" in alert.body
    call_command("sweep", "cases", "--parked", stdout=StringIO())
    for case in cases:
        case.refresh_from_db()
        assert case.state == State.AWAITING_OWNER


def test_a_tenant_that_joins_a_case_cannot_be_its_own_owner(clinic: Tenant, school: Tenant) -> None:
    case = make_ticket(clinic).case
    jobs.sweep_cases()

    make_ticket(school, case.prefix)

    case.refresh_from_db()
    assert case.inquiry is not None
    assert set(case.inquiry.tenant_domains) >= set(school.domains.values_list("name", flat=True))
