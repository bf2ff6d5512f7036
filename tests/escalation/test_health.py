from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.cache import caches
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from escalation import health, queue
from escalation.health import Caution
from tests.errands.models import Errand

pytestmark = pytest.mark.django_db


def minutes_ago(minutes: float) -> Any:
    return timezone.now() - timedelta(minutes=minutes)


@pytest.fixture
def all_swept() -> None:
    for kind in configured.SWEEPS:
        queue.mark_seen(kind)


def ailing() -> str:
    return "The cellar is under water."


def sneezing() -> str:
    return Caution("The cellar is damp.")


def state_of(client: Client, path: str, name: str) -> tuple[int, str]:
    answer = client.get(path)
    return answer.status_code, answer.json()["checks"][name]["state"]


def test_a_service_that_works_is_well(client: Client) -> None:
    answer = client.get("/healthz/")

    assert answer.status_code == 200
    assert answer.json()["state"] == "ok"
    assert answer.headers["Cache-Control"].startswith("max-age=0, no-cache")


def test_an_app_adds_its_own_check_by_name(client: Client, settings: Any) -> None:
    settings.HEALTH_CHECKS = [f"{__name__}.ailing"]

    assert state_of(client, "/healthz/", f"{__name__}.ailing") == (503, "trouble")


def test_a_caution_leaves_the_service_well(client: Client, settings: Any) -> None:
    settings.HEALTH_CHECKS = [f"{__name__}.sneezing"]

    assert state_of(client, "/healthz/", f"{__name__}.sneezing") == (200, "caution")


def test_without_a_job_runner_the_work_is_not_well(client: Client) -> None:
    assert state_of(client, "/healthz/jobs/", "runner") == (503, "trouble")


def test_a_kind_that_was_never_swept_is_late() -> None:
    assert "errands" in health.sweeps_come_round()


@pytest.mark.usefixtures("all_swept")
def test_sweeps_are_late_after_three_minutes() -> None:
    assert health.sweeps_come_round() == ""

    caches["jobs"].set("sweep:errands", minutes_ago(3.1), 600)
    assert health.sweeps_come_round() == "No sweep within 3 minutes of: errands."


def test_a_row_that_is_due_for_more_than_five_minutes_is_trouble() -> None:
    Errand.objects.create(due_at=minutes_ago(4))
    assert health.due_rows_are_done() == ""

    Errand.objects.create(due_at=minutes_ago(6))
    assert health.due_rows_are_done().endswith("errands.Errand.")


def test_a_parked_row_is_a_caution_and_no_longer_late() -> None:
    Errand.objects.create(due_at=minutes_ago(60), parked_at=minutes_ago(30))

    assert health.due_rows_are_done() == ""
    assert health.nothing_is_parked().endswith("errands.Errand: 1.")
    assert isinstance(health.nothing_is_parked(), Caution)


def test_a_message_that_nobody_takes_for_ten_minutes_is_trouble() -> None:
    OrmQ.objects.create(key="postern", payload="", lock=minutes_ago(9))
    assert health.messages_are_taken() == ""

    OrmQ.objects.create(key="postern", payload="", lock=minutes_ago(11))
    assert health.messages_are_taken().endswith("10 minutes: 1.")


def test_health_is_only_ever_read(client: Client) -> None:
    assert client.post("/healthz/").status_code == 405
