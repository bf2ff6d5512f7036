"""Steps at the desk: what is offered, taken, refused; claims; two agents; many at once."""

from typing import Any

import pytest
from django.test import Client

from customers.models import User
from escalation import prefixes
from escalation.actors import DESK
from tests.tickets.desk import page, press, seen
from tests.tickets.factories import agent, make_case
from tickets import actions
from tickets.desk import steps
from tickets.lifecycle import AGENT, CASE, Event, State
from tickets.models import Case, LadderRule

pytestmark = pytest.mark.django_db


# -- Steps -------------------------------------------------------------------------


def test_every_step_of_the_table_for_agents_has_a_sentence_and_a_place() -> None:
    events = {step.event for step in CASE.transitions if step.roles & AGENT}

    assert events == set(steps.FOLLOWS) == set(steps.ORDER)
    assert set(steps.IN_BULK) <= events


@pytest.mark.parametrize("state", sorted(State))
def test_the_page_offers_what_the_table_offers(desk: Client, minji: User, state: State) -> None:
    first, last = prefixes.keys(prefixes.parse_prefix("203.0.113.9"))
    case = Case.objects.create(
        prefix="203.0.113.9/32", family=4, first=first, last=last, state=state
    )
    actor = agent(minji)
    offered = {str(step.event): reason for step, reason in CASE.steps_for(case, actor)}

    shown = page(desk, case)

    for event in set(offered) - {Event.RELEASE, Event.ENDORSE, Event.PROPOSE_CONTACT}:
        button = f'name="event" value="{event}"'
        assert (button in shown) == (not offered[event]), event
    assert ("Where it comes from" in shown) == (Event.PROPOSE_CONTACT in offered)
    assert shown.count("btn primary") <= 1


def test_a_step_says_what_follows_and_what_is_in_the_way(desk: Client) -> None:
    shown = page(desk, make_case(proved=False, reviewed=False))
    waiting = make_case(proved=False, reviewed=False)
    actions.take_step(waiting, Event.OWNER_UNKNOWN, DESK)

    assert "the agents there get a letter" in shown
    assert "Only an agent of level 2 or 3 may decide without the owner" in page(desk, waiting)


def test_a_step_is_taken_and_told(desk: Client, minji: User) -> None:
    case = make_case()

    response = press(desk, case, Event.APPROVE)

    case.refresh_from_db()
    assert response.status_code == 302
    assert case.state == State.DELISTING
    assert case.entries.get(event=Event.APPROVE).user == minji
    assert "Done: Approve" in page(desk, case)


@pytest.mark.parametrize("event", [Event.ESCALATE, Event.ASK_SENDER])
def test_a_double_click_takes_a_step_once(desk: Client, event: Event) -> None:
    case = make_case()
    before = seen(case)

    first = press(desk, case, event, note="Urgent.", seen=before)
    second = press(desk, case, event, note="Urgent.", seen=before)

    assert (first.status_code, second.status_code) == (302, 302)
    assert case.entries.filter(event=event).count() == 1


def test_a_form_of_a_case_that_has_moved_on_is_refused_in_words(desk: Client, joon: User) -> None:
    case = make_case()
    before = seen(case)
    actions.take_step(case, Event.ASK_SENDER, agent(joon), note="What changed?")

    response = press(desk, case, Event.APPROVE, note="Looks fine.", seen=before)

    case.refresh_from_db()
    assert case.state == State.AWAITING_SENDER
    assert response.status_code == 409
    shown = response.content.decode()
    assert "has moved on since you opened the page" in shown
    assert str(joon) in shown
    assert "Looks fine." in shown


def test_a_refusal_without_a_note_asks_for_the_reason(desk: Client) -> None:
    case = make_case()

    response = press(desk, case, Event.REFUSE)

    case.refresh_from_db()
    assert response.status_code == 409
    assert "needs a reason" in response.content.decode()
    assert case.state == State.IN_REVIEW


@pytest.mark.parametrize("event", ["opened", "owner_confirmed", "withdraw", "no such step", ""])
def test_a_step_that_is_not_for_agents_is_refused(desk: Client, event: str) -> None:
    case = make_case()
    entries = case.entries.count()

    response = press(desk, case, event)

    assert response.status_code == 422
    assert case.entries.count() == entries


def test_a_wide_prefix_needs_two_agents(desk: Client, joons_desk: Client, minji: User) -> None:
    case = make_case(prefix="2001:db8:4000::/40")
    assert "needs the approvals of two agents" in page(desk, case)
    assert press(desk, case, Event.APPROVE).status_code == 409

    assert press(desk, case, Event.ENDORSE).status_code == 302
    own = press(desk, case, Event.APPROVE, key="form-2")
    assert own.status_code == 409
    assert "the second must come from another agent" in own.content.decode()
    assert f"{minji} gave the first of two approvals" in page(joons_desk, case)
    assert press(joons_desk, case, Event.APPROVE, key="form-3").status_code == 302

    case.refresh_from_db()
    assert case.state == State.DELISTING


# -- Claims ------------------------------------------------------------------------


def test_a_second_agent_sees_who_has_the_case(
    desk: Client, joons_desk: Client, minji: User
) -> None:
    case = make_case()
    press(desk, case, Event.CLAIM)

    assert f"{minji} has this case" in page(joons_desk, case)
    assert "has this case" not in page(desk, case).replace("nobody has this case", "")


def test_of_two_claims_of_the_same_level_the_first_stands(desk: Client, minji: User) -> None:
    case = make_case()
    other = User.objects.create_user("sun@mail.example", name="Sun", is_staff=True, language="en")
    actions.take_step(case, Event.CLAIM, agent(other))

    response = press(desk, case, Event.CLAIM)

    case.refresh_from_db()
    assert case.agent == other
    assert response.status_code == 409
    assert "Sun has this case" in response.content.decode()


def test_an_agent_of_a_higher_level_takes_over(
    desk: Client, joons_desk: Client, joon: User
) -> None:
    case = make_case()
    press(desk, case, Event.CLAIM)

    press(joons_desk, case, Event.CLAIM, key="form-2")

    case.refresh_from_db()
    assert case.agent == joon


# -- A contact by hand -------------------------------------------------------------


def propose(desk: Client, case: Case, **fields: str) -> Any:
    given = {
        "email": "it@shop.example",
        "source": "the company’s web page\r\nread today",
        "seen": seen(case),
        "key": "form-1",
        **fields,
    }
    return desk.post(f"/desk/tickets/case/{case.pk}/propose/", given)


@pytest.fixture
def ownerless() -> Case:
    case = make_case(proved=False, reviewed=False)
    actions.take_step(case, Event.OWNER_UNKNOWN, DESK)
    return case


def test_a_proposed_contact_waits_for_another_agent(
    desk: Client, joons_desk: Client, ownerless: Case, minji: User
) -> None:
    assert propose(desk, ownerless).status_code == 302

    entry = ownerless.entries.get(event=Event.PROPOSE_CONTACT)
    assert entry.note == "it@shop.example the company’s web page read today"
    assert "You proposed this contact" in page(desk, ownerless)
    shown = page(joons_desk, ownerless)
    assert "proposes to write to <b>it@shop.example</b>" in shown
    assert 'value="ask_by_hand"' in shown


def test_a_proposal_needs_an_address_and_its_source(desk: Client, ownerless: Case) -> None:
    response = propose(desk, ownerless, email="not an address", source="")

    assert response.status_code == 422
    assert not ownerless.entries.filter(event=Event.PROPOSE_CONTACT).exists()


# -- Many at once ------------------------------------------------------------------


def on_many(desk: Client, cases: list[Case], event: str, note: str = "", key: str = "k") -> Any:
    chosen = [f"{case.pk}:{seen(case)}" for case in cases]
    return desk.post(
        "/desk/tickets/case/many/", {"case": chosen, "event": event, "note": note, "key": key}
    )


def test_a_step_on_many_is_taken_on_each_and_every_refusal_is_reported(
    desk: Client, minji: User, joon: User
) -> None:
    good, unproved, held = make_case(), make_case(proved=False, reviewed=False), make_case()
    actions.take_step(held, Event.CLAIM, agent(joon))

    response = on_many(desk, [good, unproved, held], Event.APPROVE)

    shown = response.content.decode()
    assert [case.pk for case in response.context["report"].done] == [good.pk]
    assert "Done on 1 case:" in shown
    assert "Not done on 2 cases." in shown
    assert "is not possible now: the state is “Gathering facts”" in shown
    assert f"{joon} has this case" in shown
    for case, state in ((good, State.DELISTING), (held, State.IN_REVIEW)):
        case.refresh_from_db()
        assert case.state == state


def test_a_step_on_many_pressed_twice_is_taken_once(desk: Client) -> None:
    case = make_case()
    chosen = [f"{case.pk}:{seen(case)}"]
    form = {"case": chosen, "event": Event.ESCALATE, "note": "Urgent.", "key": "k"}

    for _try in range(2):
        response = desk.post("/desk/tickets/case/many/", form)

    case.refresh_from_db()
    assert case.level == 1
    assert [done.pk for done in response.context["report"].done] == [case.pk]


def test_a_ticked_case_that_has_moved_on_is_left_alone(desk: Client, joon: User) -> None:
    case = make_case()
    chosen = [f"{case.pk}:{seen(case)}"]
    actions.take_step(case, Event.ASK_SENDER, agent(joon), note="What changed?")

    response = desk.post(
        "/desk/tickets/case/many/",
        {"case": chosen, "event": Event.ESCALATE, "note": "Urgent.", "key": "k"},
    )

    case.refresh_from_db()
    assert case.level == 0
    assert "has moved on" in response.content.decode()


@pytest.mark.parametrize("chosen", ["x", "", "99999:in_review@x", "²:x", "-1:x"])
def test_a_ticked_case_that_is_not_there_is_reported(desk: Client, chosen: str) -> None:
    response = desk.post(
        "/desk/tickets/case/many/", {"case": [chosen], "event": Event.CLAIM, "note": "", "key": "k"}
    )

    assert "There is no such case." in response.content.decode()


def test_nothing_ticked_and_no_step_chosen_are_said_in_words(desk: Client) -> None:
    case = make_case()

    nothing = desk.post("/desk/tickets/case/many/", {"event": Event.CLAIM, "key": "k"}, follow=True)
    no_step = on_many(desk, [case], "")
    wrong = on_many(desk, [case], Event.PROPOSE_CONTACT)

    assert "No case was ticked" in nothing.content.decode()
    assert (no_step.status_code, wrong.status_code) == (422, 422)
    assert case.entries.filter(role="agent").count() == 0


def test_the_queue_offers_every_bulk_step(desk: Client) -> None:
    make_case()

    shown = desk.get("/desk/tickets/case/").content.decode()

    assert all(f'<option value="{event}">' in shown for event in steps.IN_BULK)


# -- Rules of escalation -----------------------------------------------------------


def rule(client: Client, **fields: Any) -> Any:
    given = {"party": "sender", "level": 1, "hours": 72, **fields}
    return client.post("/desk/tickets/ladderrule/add/", given)


def test_the_first_rules_are_there() -> None:
    rules = LadderRule.objects.values_list("party", "level", "hours", "office_hours")

    assert list(rules) == [
        ("desk", 1, 8, True), ("desk", 2, 24, True), ("desk", 3, 48, True), ("owner", 1, 40, True),
    ]  # fmt: skip


def test_the_operator_changes_rules_and_agents_only_read_them(
    desk: Client, client: Client, root: User
) -> None:
    assert desk.get("/desk/tickets/ladderrule/").status_code == 200
    assert rule(desk).status_code == 403

    client.force_login(root)
    assert rule(client).status_code == 302
    assert LadderRule.objects.filter(party="sender", hours=72).exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"party": "nobody"},
        {"level": 0},
        {"level": 4},
        {"hours": 0},
        {"hours": 99999},
        {"party": "desk", "level": 3, "hours": 90},
        {"party": "owner", "level": 2, "hours": 40},
        {"party": "owner", "level": 2, "hours": 39},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    client: Client, root: User, wrong: dict[str, Any]
) -> None:
    client.force_login(root)
    before = LadderRule.objects.count()

    assert rule(client, **wrong).status_code == 200
    assert LadderRule.objects.count() == before
