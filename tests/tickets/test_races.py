"""Several people, and several workers, at the same instant."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from threading import Event as Signal
from typing import Any

import pytest
import time_machine
from django.db import close_old_connections, connection, transaction
from django.utils import timezone

from escalation import owed
from escalation.actors import SENDER, Actor
from escalation.lifecycle import NotAllowed
from listings.models import Publication
from mailroom.models import Letter
from tests.factories import make_tenant, make_user
from tests.tickets.factories import (
    admin_of,
    agent,
    fresh_address,
    make_case,
    make_listing,
    make_ticket,
)
from tickets import actions, jobs, opening
from tickets.lifecycle import Event, Party, State
from tickets.models import Case, Clock, LadderRule, Ticket

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]
N = 6


def at_once(act: Callable[[int], Any], n: int = N) -> list[Any]:
    """What ``n`` threads get that all begin ``act`` at the same instant."""
    barrier = Barrier(n)

    def one(number: int) -> Any:
        barrier.wait(30)
        try:
            return act(number)
        except NotAllowed as refusal:
            return refusal
        finally:
            close_old_connections()
            connection.close()

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(one, range(n)))


def done(answers: list[Any]) -> int:
    return sum(not isinstance(answer, Exception) for answer in answers)


def test_of_many_approvals_exactly_one_takes_effect() -> None:
    case = make_case()
    agents = [agent(make_user(is_staff=True)) for _ in range(N)]
    before = Publication.objects.count()

    answers = at_once(
        lambda n: actions.take_step(Case.objects.get(pk=case.pk), Event.APPROVE, agents[n])
    )

    assert done(answers) == 1
    assert case.entries.filter(event=Event.APPROVE).count() == 1
    assert Publication.objects.count() <= before + 1


def test_of_many_claims_exactly_one_has_the_case() -> None:
    case = make_case()
    agents = [agent(make_user(is_staff=True)) for _ in range(N)]

    answers = at_once(
        lambda n: actions.take_step(Case.objects.get(pk=case.pk), Event.CLAIM, agents[n])
    )

    assert done(answers) == 1


def test_a_double_click_opens_one_ticket() -> None:
    tenant, address = make_tenant(), fresh_address()
    make_listing(address)
    admin = admin_of(tenant)

    opened = at_once(lambda _: _open(tenant, admin, address, "the same key"))

    assert len({ticket.pk for ticket in opened}) == 1
    assert Ticket.objects.count() == Case.objects.count() == 1
    assert Letter.objects.filter(kind="sender-opened").count() == 1


def test_tenants_who_open_at_the_same_instant_share_one_case() -> None:
    address = fresh_address()
    make_listing(address)
    admins = [(tenant, admin_of(tenant)) for tenant in (make_tenant() for _ in range(N))]

    opened = at_once(lambda n: _open(*admins[n], address, f"k{n}"))

    assert Ticket.objects.count() == N
    assert len({ticket.case_id for ticket in opened}) == 1


def _open(tenant: Any, admin: Actor, address: str, key: str) -> Ticket:
    wish = opening.Application(
        prefix=address,
        sender_email="accounts@bank.example",
        recipient=f"dana@{tenant.domains.get().name}",
    )
    return opening.open_ticket(tenant, admin, wish, key=key)


def test_a_clock_fires_once_though_many_workers_sweep() -> None:
    LadderRule.objects.get_or_create(
        party=Party.DESK, level=1, defaults={"hours": 8, "office_hours": False}
    )
    case = make_case()
    assert Clock.objects.filter(case=case, stopped_at=None).count() == 1

    with time_machine.travel(timezone.now() + timedelta(days=30)):
        at_once(lambda _: jobs.sweep_clocks())

    case.refresh_from_db()
    raised = case.entries.filter(event=Event.ESCALATE)
    assert [entry.number for entry in raised] == list(range(1, case.level + 1))


def test_a_step_and_a_clock_that_fires_do_not_wait_for_each_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    case, held = make_case(), Signal()
    Clock.objects.filter(case=case, stopped_at=None).update(due_at=timezone.now())

    def step_or_fire(number: int) -> None:
        if number:
            held.wait(5)
            jobs.sweep_clocks()
            return
        with transaction.atomic():
            locked = Case.objects.select_for_update().get(pk=case.pk)
            held.set()
            time.sleep(0.5)
            actions.start_turn(locked)

    at_once(step_or_fire, 2)

    assert "deadlock" not in caplog.text


def test_many_sweeps_move_a_case_one_step() -> None:
    case = make_ticket().case
    owed.owe(case)

    at_once(lambda _: jobs.sweep_cases())

    steps = [entry.event for entry in case.entries.all()]
    assert steps == [Event.OPENED, Event.ASK_OWNER]


def test_a_reply_and_the_end_of_patience_at_the_same_instant_take_one_step() -> None:
    case = make_case()
    actions.take_step(case, Event.ASK_SENDER, agent(make_user(is_staff=True)), note="Why?")
    Case.objects.filter(pk=case.pk).update(answer_by=timezone.now(), due_at=timezone.now())
    sender = case.conversations.select_related("case", "ticket").get(party=Party.SENDER)

    def reply_or_sweep(number: int) -> Any:
        if number % 2:
            return jobs.sweep_cases()
        fresh = type(sender).objects.select_related("case", "ticket").get(pk=sender.pk)
        return actions.say(fresh, SENDER, f"Because {number}.")

    at_once(reply_or_sweep)

    case.refresh_from_db()
    assert case.state == State.IN_REVIEW
    back = case.entries.filter(target=State.IN_REVIEW, source=State.AWAITING_SENDER)
    assert back.count() == 1
