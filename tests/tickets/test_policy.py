"""Who may decide, and how many of them."""

import pytest

from customers.models import Tenant, User
from escalation.lifecycle import NotAllowed
from tests.factories import make_membership
from tests.tickets.factories import agent, make_case, make_listing
from tickets import actions, jobs
from tickets.lifecycle import Event, State

pytestmark = pytest.mark.django_db


def test_an_agent_does_not_decide_the_case_of_a_tenant_of_their_own(
    clinic: Tenant, minji: User
) -> None:
    case = make_case(tenant=clinic)
    make_membership(minji, clinic)

    with pytest.raises(NotAllowed, match="another agent"):
        actions.take_step(case, Event.APPROVE, agent(minji))


def test_a_listing_made_by_hand_needs_two_different_agents(
    clinic: Tenant, minji: User, joon: User
) -> None:
    make_listing("2001:db8:66::25", reason_class="manual")
    case = make_case(tenant=clinic, prefix="2001:db8:66::25", reviewed=False)
    jobs.sweep_cases()
    case.refresh_from_db()

    with pytest.raises(NotAllowed, match="two agents"):
        actions.take_step(case, Event.APPROVE, agent(minji))
    actions.take_step(case, Event.ENDORSE, agent(minji))
    actions.take_step(case, Event.APPROVE, agent(joon))

    assert case.state == State.DELISTING


def test_a_senders_statement_answers_the_question_that_we_waited_for(
    clinic: Tenant, minji: User
) -> None:
    case = make_case(tenant=clinic)
    actions.take_step(case, Event.ASK_SENDER, agent(minji), note="What did you change?")

    actions.attest(case.tickets.get(), "A mailbox was taken over.", "Its password is new.")

    case.refresh_from_db()
    assert case.state == State.IN_REVIEW
