"""What must not be kept for ever is deleted, by one worker, once an hour."""

from datetime import timedelta
from typing import NoReturn

import pytest
from django.conf import settings as the_settings
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.utils import timezone
from django_q.models import OrmQ, Task
from pytest_django import Settings

from escalation import housekeeping, queue

pytestmark = pytest.mark.django_db

called: list[str] = []


@pytest.fixture(autouse=True)
def a_new_hour() -> None:
    caches["jobs"].clear()
    called.clear()


def sweep_the_floor() -> int:
    called.append("floor")
    return 3


def fail() -> NoReturn:
    raise RuntimeError("the broom is broken")


def test_a_task_that_fails_stops_no_other(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HOUSEKEEPING = [f"{__name__}.fail", f"{__name__}.sweep_the_floor"]

    assert housekeeping.sweep_housekeeping() == 3

    assert called == ["floor"]
    assert "the broom is broken" in caplog.text
    assert queue.sweep_seen("housekeeping") is not None


def test_the_tasks_are_done_once_an_hour(settings: Settings) -> None:
    settings.HOUSEKEEPING = [f"{__name__}.sweep_the_floor"]

    assert housekeeping.sweep_housekeeping() == 3
    assert housekeeping.sweep_housekeeping() == 0

    caches["jobs"].delete(housekeeping.TURN)
    assert housekeeping.sweep_housekeeping() == 3


def test_every_task_of_the_settings_runs(caplog: pytest.LogCaptureFixture) -> None:
    assert the_settings.HOUSEKEEPING

    housekeeping.sweep_housekeeping()

    assert "failed" not in caplog.text


def test_old_records_of_the_queue_go_and_young_ones_stay() -> None:
    now = timezone.now()
    for number, (age, success) in enumerate([(15, True), (15, False), (13, True), (13, False)]):
        stopped = now - timedelta(days=age)
        Task.objects.create(
            id=f"{number:032}", name="letters", func="f", started=stopped, stopped=stopped,
            success=success,
        )  # fmt: skip
    OrmQ.objects.create(key="postern", payload="old", lock=now - timedelta(minutes=61))
    OrmQ.objects.create(key="postern", payload="young", lock=now - timedelta(minutes=59))
    OrmQ.objects.create(key="postern", payload="taken", lock=now + timedelta(minutes=5))

    assert queue.prune() == 3

    assert sorted(Task.objects.values_list("id", flat=True)) == [f"{n:032}" for n in (2, 3)]
    assert sorted(OrmQ.objects.values_list("payload", flat=True)) == ["taken", "young"]


def test_expired_sessions_are_forgotten() -> None:
    now = timezone.now()
    Session.objects.create(session_key="old", expire_date=now - timedelta(days=1))
    Session.objects.create(session_key="young", expire_date=now + timedelta(days=1))

    housekeeping.forget_sessions()

    assert [session.session_key for session in Session.objects.all()] == ["young"]
