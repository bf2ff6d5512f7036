"""Whether the service does its work: ``/healthz/`` and ``/healthz/jobs/``.

A check is a function without arguments that returns "" when all is well and
otherwise says in one sentence what is not: as ``Caution`` when the service
does its work all the same, as ``Fine`` when it is no trouble.  Apps name
theirs in ``settings.HEALTH_CHECKS``.
"""

import time
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.db import DatabaseError
from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from escalation import cluster, database, queue
from escalation.owed import ATTEMPTS, owed_models

Check = Callable[[], str]

SWEEP_LATE = timedelta(minutes=3)
ROW_LATE = timedelta(minutes=5)
MESSAGE_LATE = timedelta(minutes=10)


class Fine(str):
    """All is well, and how well may be worth reading."""


class Caution(str):
    """Worth a person's look, but no reason to call the service unwell."""


def database_answers() -> str:
    return _("The database does not answer.") if database.trouble() else ""


def migrations_applied() -> str:
    missing = database.missing_migrations()
    if not missing:
        return ""
    return _("Run manage.py prepare: %(n)d migrations are missing.") % {"n": len(missing)}


def static_files_collected() -> str:
    storage = staticfiles_storage
    if isinstance(storage, ManifestFilesMixin) and storage.read_manifest() is None:
        return _("Run manage.py prepare: the static files have not been collected.")
    return ""


def job_runner_lives() -> str:
    if cluster.heartbeats():
        return ""
    return _("No job runner has a heartbeat: start manage.py runjobs.")


def sweeps_come_round() -> str:
    """The only check that sees a cluster which lives and stands still."""
    since = timezone.now() - SWEEP_LATE
    late = [kind for kind in settings.SWEEPS if (queue.sweep_seen(kind) or since) <= since]
    return (
        _("No sweep within 3 minutes of: %(kinds)s.") % {"kinds": ", ".join(late)} if late else ""
    )


def due_rows_are_done() -> str:
    due_before = timezone.now() - ROW_LATE
    late = [
        model._meta.label
        for model in owed_models()
        if model._default_manager.filter(due_at__lt=due_before, parked_at=None).exists()
    ]
    if not late:
        return ""
    return _("Work is more than 5 minutes late: %(kinds)s.") % {"kinds": ", ".join(late)}


def messages_are_taken() -> str:
    n = cluster.untaken(MESSAGE_LATE)
    return _("Messages that nobody has taken for 10 minutes: %(n)d.") % {"n": n} if n else ""


def nothing_is_parked() -> str:
    hopeless = Q(parked_at__isnull=False) | Q(attempts__gte=ATTEMPTS)
    parked = {
        model._meta.label: model._default_manager.filter(hopeless).count()
        for model in owed_models()
    }
    words = ", ".join(f"{label}: {n}" for label, n in parked.items() if n)
    if not words:
        return ""
    return Caution(_("Given up after too many attempts: %(kinds)s.") % {"kinds": words})


SERVICE: dict[str, Check] = {
    "database": database_answers,
    "migrations": migrations_applied,
    "static": static_files_collected,
}
JOBS: dict[str, Check] = {
    "database": database_answers,
    "runner": job_runner_lives,
    "sweeps": sweeps_come_round,
    "due": due_rows_are_done,
    "queue": messages_are_taken,
    "parked": nothing_is_parked,
}


def service_checks() -> list[tuple[str, Check]]:
    """The checks of the web server, and those that the apps add."""
    named = [(path, import_string(path)) for path in settings.HEALTH_CHECKS]
    return [*SERVICE.items(), *named]


def findings_of(checks: Iterable[tuple[str, Check]]) -> dict[str, dict[str, str]]:
    """What each check finds: its ``state`` (ok, caution or trouble) and what it ``says``."""
    findings: dict[str, dict[str, str]] = {}
    for name, check in checks:
        try:
            trouble = check()
        except DatabaseError:
            trouble = _("The database cannot say: see the checks “database” and “migrations”.")
        findings[name] = {"state": _state(trouble), "says": trouble}
    return findings


def _state(said: str) -> str:
    if not said or isinstance(said, Fine):
        return "ok"
    return "caution" if isinstance(said, Caution) else "trouble"


def examine(checks: Iterable[tuple[str, Check]]) -> JsonResponse:
    """The answer for a monitor: 200 when no check finds trouble, else 503."""
    began = time.monotonic()
    findings = findings_of(checks)
    well = all(finding["state"] != "trouble" for finding in findings.values())
    took = round((time.monotonic() - began) * 1000)
    body = {"state": "ok" if well else "trouble", "checks": findings, "milliseconds": took}
    return JsonResponse(body, status=200 if well else 503)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """The web server, its database and its files, and what the apps add."""
    return examine(service_checks())


@require_safe
@never_cache
def healthz_jobs(request: HttpRequest) -> JsonResponse:
    """The work in the background, wherever it is done."""
    return examine(JOBS.items())
