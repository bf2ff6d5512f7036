import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import Schedule

from escalation import database, queue
from escalation.management.commands.prepare import Command as Prepare
from tests.errands.models import Effect, Errand

pytestmark = pytest.mark.django_db


def test_schedules_are_what_the_settings_say_however_often_it_is_told() -> None:
    Schedule.objects.create(name="sweep of old", func="gone.sweep", args="(malformed")
    for _ in range(2):
        call_command("sync_schedules")

    kept = dict(Schedule.objects.values_list("name", "func"))
    assert kept == {f"sweep {kind}": path for kind, path in configured.SWEEPS.items()}
    assert set(Schedule.objects.values_list("args", "kwargs")) == {(None, None)}


def test_sweep_does_the_due_work_without_a_job_runner() -> None:
    Errand.objects.bulk_create(Errand(due_at=timezone.now()) for _ in range(25))
    said = io.StringIO()
    call_command("sweep", "errands", stdout=said)

    assert Effect.objects.count() == 25
    assert said.getvalue() == "errands: 20\nerrands: 5\n"
    assert queue.sweep_seen("errands") is not None


def test_sweep_once_does_one_batch() -> None:
    Errand.objects.bulk_create(Errand(due_at=timezone.now()) for _ in range(25))
    call_command("sweep", "errands", "--once", stdout=io.StringIO())

    assert Effect.objects.count() == 20


@pytest.mark.parametrize("words", [["holidays"], [], ["errands", "--all"]])
def test_sweep_says_what_it_does_not_understand(words: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("sweep", *words)


def test_static_files_are_collected_again_only_when_they_change(
    tmp_path: Path, settings: Any
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.css").write_text("a {}")
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    said = io.StringIO()

    for _ in range(2):
        Prepare(stdout=said).collect_static()
    assert said.getvalue().count("Collecting") == 1

    (source / "b.css").write_text("b {}")
    Prepare(stdout=said).collect_static()
    assert said.getvalue().count("Collecting") == 2
    assert (settings.STATIC_ROOT / "b.css").exists()


def test_nothing_is_missing_from_a_database_that_is_up_to_date() -> None:
    assert database.missing_migrations() == []
    assert database.wait(0) == ""
