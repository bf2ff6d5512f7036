"""The table of a case is sound, whatever order its steps come in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.actors import Actor, Role
from escalation.lifecycle import Lifecycle, NotAllowed
from listings.lifecycle import LISTING
from ownership.lifecycle import REQUEST
from tickets.lifecycle import CASE, QUIET, TURN, Event, Party, State

TABLES = [CASE, LISTING, REQUEST]
by_name = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def reachable(table: Lifecycle, start: str) -> set[str]:
    reached = {start}
    while (
        more := {
            step.target for step in table.transitions if step.target and step.sources & reached
        }
        - reached
    ):
        reached |= more
    return reached


@by_name
def test_every_state_can_be_reached(table: Lifecycle) -> None:
    assert reachable(table, table.initial) == set(table.states.values)


@by_name
def test_no_state_is_a_dead_end_unless_it_is_final(table: Lifecycle) -> None:
    for state in set(table.states.values) - table.final:
        assert reachable(table, state) & table.final, f"{state} leads nowhere"


@by_name
def test_every_event_stands_in_the_table(table: Lifecycle) -> None:
    assert {step.event for step in table.transitions} == set(table.events.values)


@by_name
def test_every_state_named_in_the_table_exists(table: Lifecycle) -> None:
    named = {state for step in table.transitions for state in step.sources} | {
        step.target for step in table.transitions if step.target
    }

    assert named <= set(table.states.values)


@by_name
def test_every_nudge_names_a_sweep(table: Lifecycle, settings: object) -> None:
    nudged = {kind for step in table.transitions for kind in step.nudges}

    assert nudged <= set(settings.SWEEPS)


def test_every_state_of_a_case_has_somebody_whose_turn_it_is() -> None:
    assert set(TURN) == set(State)
    assert {TURN[state] for state in QUIET} == {Party.NOBODY}


def test_owners_take_no_step_of_a_case_and_senders_only_reply_and_appeal() -> None:
    events = {
        role: {step.event for step in CASE.transitions if role in step.roles} for role in Role
    }

    assert events[Role.OWNER] == set()
    assert events[Role.SENDER] == {Event.SENDER_REPLIED, Event.APPEAL}
    assert events[Role.MEMBER] == {Event.CUSTOMER_REPLIED}


def test_only_agents_approve_and_refuse() -> None:
    for step in CASE.transitions:
        if step.event in {Event.APPROVE, Event.ENDORSE, Event.REFUSE, Event.JUDGE}:
            assert step.roles == {Role.AGENT}


def test_only_the_desk_says_what_owners_and_sinks_said() -> None:
    for step in CASE.transitions:
        if step.event in {Event.OWNER_CONFIRMED, Event.OWNER_DENIED, Event.CONFIRMED_GONE}:
            assert step.roles == {Role.DESK}


def test_no_way_leads_off_the_list_but_through_delisting() -> None:
    into = {step.event for step in CASE.transitions if step.target == State.DELISTED}
    into_delisting = {step.event for step in CASE.transitions if step.target == State.DELISTING}

    assert into == {Event.CONFIRMED_GONE}
    assert into_delisting == {Event.APPROVE}


class Row:
    """A subject without a database: just a state."""

    def __init__(self, state: str) -> None:
        self.state = state


@by_name
@given(choice=st.data())
@settings(max_examples=200)
def test_a_walk_through_the_table_replays_to_its_last_state(
    table: Lifecycle, choice: st.DataObject
) -> None:
    """Any walk keeps to known states, and its history alone gives the state back."""
    state, history = table.initial, [table.initial]
    for _ in range(choice.draw(st.integers(0, 25))):
        open_now = [step for step in table.transitions if state in step.sources]
        if not open_now:
            break
        step = choice.draw(st.sampled_from(open_now))
        role = choice.draw(st.sampled_from(sorted(step.roles)))
        found = table._index[step.event, state]
        assert role in found.roles
        state = found.target or state
        history.append(state)

    assert history[-1] == state
    assert set(history) <= set(table.states.values)


@given(
    event=st.sampled_from(Event.values), state=st.sampled_from(State.values),
    role=st.sampled_from(Role.values),
)  # fmt: skip
@settings(max_examples=600)
def test_no_step_is_open_to_a_role_that_the_table_does_not_name(
    event: str, state: str, role: str
) -> None:
    step = CASE._index.get((event, state))
    if step is not None and role in step.roles:
        return
    with pytest.raises(NotAllowed):
        CASE.decide(Row(state), event, Actor(Role(role)), "a note")  # type: ignore[arg-type]
