"""A case from gathering to the end, step by step, through the real jobs."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from customers.models import Tenant, User
from escalation import owed
from escalation.actors import DESK, SENDER
from escalation.lifecycle import NotAllowed, NotYours, advance
from listings import lifecycle as listing_life
from listings import queries as listed
from listings.models import Listing, Publication, Receipt
from mailroom.models import Letter
from ownership.models import Inquiry
from tests.tickets.factories import (
    admin_of,
    agent,
    make_case,
    make_listing,
    make_proof,
    make_sink,
    make_ticket,
)
from tickets import actions, jobs
from tickets.lifecycle import Event, Party, State
from tickets.models import Case, Message

pytestmark = pytest.mark.django_db


def look(case: Case) -> Case:
    """Have the jobs look at the case now."""
    owed.owe(case)
    jobs.sweep_cases()
    case.refresh_from_db()
    return case


def prove_everywhere(case: Case) -> None:
    """Every sink proves the serial that the case waits for."""
    publication = Publication.objects.get(serial=case.gone_serial or 0)
    Publication.objects.filter(pk=publication.pk).update(published_at=timezone.now())
    Receipt.objects.create(sink=make_sink(), publication=publication, proof="read back")


def test_a_listed_prefix_without_proof_waits_for_its_owner(clinic: Tenant) -> None:
    case = look(make_ticket(clinic).case)

    assert case.state == State.AWAITING_OWNER
    assert case.turn == Party.OWNER
    assert case.inquiry is not None
    assert case.facts["gathered_at"]


def test_a_prefix_that_we_do_not_list_is_explained(clinic: Tenant) -> None:
    reply = "554 5.7.1 Service unavailable; blocked using zen.spamhaus.org"

    case = look(make_ticket(clinic, listed=False, smtp_reply=reply).case)

    assert case.state == State.NOT_LISTED
    assert case.tickets.get().list_named == "Spamhaus ZEN"


def test_proof_on_file_leads_straight_to_review(clinic: Tenant) -> None:
    ticket = make_ticket(clinic)
    make_proof(ticket.prefix)

    assert look(ticket.case).state == State.IN_REVIEW


def test_no_case_comes_into_review_on_the_desks_word_alone(clinic: Tenant) -> None:
    case = make_ticket(clinic).case

    with pytest.raises(NotAllowed, match="proof of level 2"):
        actions.take_step(case, Event.PROOF_ON_FILE, DESK)


def test_approving_takes_the_prefix_off_the_list_in_the_same_step(
    clinic: Tenant, minji: User
) -> None:
    case = make_case(tenant=clinic)
    make_sink()

    entry = actions.take_step(case, Event.APPROVE, agent(minji))

    assert case.state == State.DELISTING
    assert not listed.touches(case.network)
    assert case.gone_serial == Publication.objects.latest("serial").serial
    assert (entry.user, entry.role) == (minji, "agent")


def test_only_receipts_make_a_case_delisted(clinic: Tenant, minji: User) -> None:
    make_sink()
    case = make_case(tenant=clinic)
    actions.take_step(case, Event.APPROVE, agent(minji))

    assert look(case).state == State.DELISTING
    prove_everywhere(case)
    assert look(case).state == State.DELISTED

    told = Letter.objects.filter(subject__contains="off the list").values_list(
        "recipient", flat=True
    )
    assert set(told) == {"accounts@bank.example", case.tickets.get().opened_by.email}


def test_a_sink_that_fails_past_its_deadline_brings_the_case_back_one_level_up(
    clinic: Tenant, minji: User
) -> None:
    make_sink()
    case = make_case(tenant=clinic)
    actions.take_step(case, Event.APPROVE, agent(minji))

    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        look(case)

    assert (case.state, case.level) == (State.IN_REVIEW, 1)
    assert "mx1" in case.entries.get(event=Event.SINK_FAILED).note


def test_a_removal_that_a_sink_has_not_proved_is_not_told_as_not_listed(
    clinic: Tenant, minji: User
) -> None:
    make_sink()
    case = make_case(tenant=clinic)
    actions.take_step(case, Event.APPROVE, agent(minji))
    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        look(case)
        assert look(case).state == State.IN_REVIEW

    prove_everywhere(case)

    assert look(case).state == State.NOT_LISTED


def test_an_address_that_offends_again_reopens_its_case_one_level_up(
    clinic: Tenant, minji: User
) -> None:
    case = make_case(tenant=clinic)
    actions.take_step(case, Event.APPROVE, agent(minji))
    prove_everywhere(case)
    look(case)
    advance(Listing.objects.get(prefix=case.prefix), listing_life.Event.RELIST, DESK)

    look(case)

    assert (case.state, case.level) == (State.IN_REVIEW, 1)


def test_a_clean_watch_closes_the_case_and_ends_its_tickets(clinic: Tenant, minji: User) -> None:
    case = make_case(tenant=clinic)
    actions.take_step(case, Event.APPROVE, agent(minji))
    prove_everywhere(case)
    look(case)

    with time_machine.travel(timezone.now() + timedelta(days=15)):
        look(case)

    assert case.state == State.CLOSED
    assert case.tickets.get().ended_at is not None
    assert case.due_at is None


def test_a_refusal_needs_a_reason_and_tells_it_to_customer_and_sender(
    clinic: Tenant, minji: User
) -> None:
    case = make_case(tenant=clinic)

    with pytest.raises(NotAllowed, match="reason"):
        actions.take_step(case, Event.REFUSE, agent(minji))
    actions.take_step(case, Event.REFUSE, agent(minji), note="It still sends. Stop it first.")

    told = Message.objects.filter(text="It still sends. Stop it first.")
    assert {message.conversation.party for message in told} == {Party.CUSTOMER, Party.SENDER}


def test_an_appeal_brings_a_refused_case_back_one_level_up(clinic: Tenant, minji: User) -> None:
    case = make_case(tenant=clinic)
    actions.take_step(case, Event.REFUSE, agent(minji), note="No.")

    actions.take_step(case, Event.APPEAL, admin_of(clinic), note="Look at the logs.")

    assert (case.state, case.level) == (State.IN_REVIEW, 1)


def test_the_sender_is_asked_and_their_reply_brings_the_case_back(
    clinic: Tenant, minji: User
) -> None:
    case = make_case(tenant=clinic)
    actions.take_step(case, Event.ASK_SENDER, agent(minji), note="What did you change?")
    sender = case.conversations.get(party=Party.SENDER)

    actions.say(sender, SENDER, "The password.")

    case.refresh_from_db()
    assert case.state == State.IN_REVIEW
    customer = case.conversations.get(party=Party.CUSTOMER)
    assert "password" not in "".join(customer.messages.values_list("text", flat=True))


def test_silence_brings_the_case_back_to_the_desk(clinic: Tenant, minji: User) -> None:
    case = make_case(tenant=clinic)
    actions.take_step(case, Event.ASK_CUSTOMER, agent(minji), note="Who uses it?")

    with time_machine.travel(timezone.now() + timedelta(days=6)):
        look(case)

    assert case.state == State.IN_REVIEW


def test_a_wide_prefix_needs_two_different_agents(
    clinic: Tenant, minji: User, joon: User, settings: object
) -> None:
    make_listing("2001:db8:7000::/40")
    case = make_case(tenant=clinic, prefix="2001:db8:7000::/40", listed=False)

    with pytest.raises(NotAllowed, match="two agents"):
        actions.take_step(case, Event.APPROVE, agent(minji))
    actions.take_step(case, Event.ENDORSE, agent(minji))
    with pytest.raises(NotAllowed, match="another agent"):
        actions.take_step(case, Event.APPROVE, agent(minji))
    actions.take_step(case, Event.APPROVE, agent(joon))

    assert case.state == State.DELISTING


def test_an_address_inside_a_wider_listing_gets_an_exception(clinic: Tenant, minji: User) -> None:
    make_listing("2001:db8:7777::/48")
    case = make_case(tenant=clinic, prefix="2001:db8:7777::25", listed=False)

    actions.take_step(case, Event.APPROVE, agent(minji))

    assert not listed.touches(case.network)
    assert listed.listed(case.network.network_address + 1) is not None


def test_a_customer_cannot_approve(clinic: Tenant) -> None:
    case = make_case(tenant=clinic)

    with pytest.raises(NotYours):
        actions.take_step(case, Event.APPROVE, admin_of(clinic))


def test_a_customer_escalates_once_a_level_and_says_why(clinic: Tenant) -> None:
    ticket = make_ticket(clinic)
    admin = admin_of(clinic)

    actions.escalate(ticket, admin, note="Payroll is late.")
    actions.escalate(ticket, admin, note="Still.")

    assert ticket.case.level == 2
    assert [entry.number for entry in ticket.case.entries.filter(event=Event.ESCALATE)] == [1, 2]


def test_a_retried_step_with_the_same_key_happens_once(clinic: Tenant) -> None:
    ticket = make_ticket(clinic)

    first = actions.escalate(ticket, admin_of(clinic), note="Now.", key="k")
    again = actions.escalate(ticket, admin_of(clinic), note="Now.", key="k")

    assert first == again
    assert ticket.case.level == 1


def test_the_last_ticket_takes_the_case_with_it(clinic: Tenant, school: Tenant) -> None:
    first = make_ticket(clinic)
    second = make_ticket(school, first.prefix)

    actions.withdraw(first, admin_of(clinic))
    first.case.refresh_from_db()
    assert first.case.state == State.GATHERING

    actions.withdraw(second, admin_of(school))
    first.case.refresh_from_db()
    assert first.case.state == State.WITHDRAWN


def test_a_withdrawn_ticket_can_be_opened_again(clinic: Tenant) -> None:
    ticket = make_ticket(clinic)
    actions.withdraw(ticket, admin_of(clinic))

    actions.take_step(ticket.case, Event.REOPEN, admin_of(clinic), ticket=ticket)

    ticket.refresh_from_db()
    assert ticket.ended_at is None
    assert ticket.case.state == State.GATHERING


def test_two_agents_cannot_both_have_a_case_unless_the_level_is_higher(
    clinic: Tenant, minji: User, joon: User
) -> None:
    case = make_case(tenant=clinic)
    actions.take_step(case, Event.CLAIM, agent(minji))

    with pytest.raises(NotAllowed, match="already"):
        actions.take_step(case, Event.CLAIM, agent(minji))
    actions.take_step(case, Event.CLAIM, agent(joon))

    assert case.agent == joon


def test_history_replays_to_the_present_state(clinic: Tenant, minji: User) -> None:
    case = make_case(tenant=clinic)
    actions.take_step(case, Event.ASK_SENDER, agent(minji), note="Why?")
    actions.say(case.conversations.get(party=Party.SENDER), SENDER, "Because.")
    case.refresh_from_db()
    actions.take_step(case, Event.REFUSE, agent(minji), note="No.")

    state: str = State.GATHERING
    for entry in case.entries.all():
        assert entry.source == state
        state = entry.target
    assert state == case.state == State.REFUSED


def test_a_clock_that_runs_out_raises_the_case_once_however_often_the_sweep_runs(
    clinic: Tenant, minji: User
) -> None:
    case = make_case(tenant=clinic)

    with time_machine.travel(timezone.now() + timedelta(days=4)):
        for _ in range(5):
            jobs.sweep_clocks()

    case.refresh_from_db()
    raised = case.entries.filter(event=Event.ESCALATE, role="desk")
    assert case.level >= 1
    assert raised.count() == case.level


def test_a_wide_prefix_begins_one_level_up(clinic: Tenant) -> None:
    make_listing("2001:db8:7000::/40")

    case = look(make_ticket(clinic, "2001:db8:7000::/40", listed=False).case)

    assert case.level == 1


def test_an_unknown_owner_is_a_matter_for_level_two(
    clinic: Tenant, minji: User, joon: User
) -> None:
    case = look(make_ticket(clinic).case)

    actions.take_step(case, Event.OWNER_UNKNOWN, DESK)

    assert case.level == 2
    told = Letter.objects.filter(kind="risen").values_list("recipient", flat=True)
    assert list(told) == [joon.email]
    with pytest.raises(NotAllowed, match="level 2"):
        actions.take_step(case, Event.JUDGE, agent(minji), note="Known to me.")
    actions.take_step(case, Event.JUDGE, agent(joon), note="Spoke with their NOC.")
    actions.take_step(case, Event.APPROVE, agent(minji))
    assert case.state == State.DELISTING


def test_contacts_who_disagree_stand_in_the_way_of_an_approval(clinic: Tenant, minji: User) -> None:
    case = make_case(tenant=clinic)
    look(case)
    case.inquiry = Inquiry.objects.create(
        prefix="198.51.100.9/32", first="0", last="0", outcome=Inquiry.Outcome.CONTRADICTED
    )
    case.save(update_fields=["inquiry"])

    with pytest.raises(NotAllowed, match="disagree"):
        actions.take_step(case, Event.APPROVE, agent(minji))


def test_a_case_at_the_highest_level_still_has_a_time_to_be_answered_by(clinic: Tenant) -> None:
    case = make_case(tenant=clinic)
    for _ in range(3):
        actions.take_step(case, Event.ESCALATE, DESK, note="Up.")

    assert case.level == 3
    assert case.answer_by is not None
    assert case.answer_by > timezone.now()


def test_a_case_whose_listing_is_let_in_by_hand_is_told_so_at_once(clinic: Tenant) -> None:
    case = make_case(tenant=clinic)
    listing = Listing.objects.get(prefix=case.prefix)
    advance(listing, listing_life.Event.REMOVE, DESK)
    advance(listing, listing_life.Event.CONFIRM_GONE, DESK)

    jobs.sweep_cases()

    case.refresh_from_db()
    assert case.state == State.NOT_LISTED
