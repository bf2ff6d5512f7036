"""docs/operate/abuse.md, held to its word: the example hook runs, the JSON is what we send."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from abuse import hooks, jobs
from abuse.models import HookCall, Incident
from customers.models import Tenant
from tests.abuse.factories import make_incident
from tests.factories import make_tenant
from tests.mta.blocks import named

pytestmark = pytest.mark.django_db
BLOCKS = named("abuse")
FOLDER = "/var/lib/postern/restricted"


@pytest.fixture
def table(tmp_path: Path, settings: Any) -> Path:
    """What Postfix would ask, with the hook of the page in place."""
    folder, hook = tmp_path / "restricted", tmp_path / "hook"
    assert BLOCKS["restrict"].count(FOLDER) == 1
    hook.write_text(BLOCKS["restrict"].replace(FOLDER, str(folder)))
    hook.chmod(0o755)
    settings.POSTERN_RESTRICT_HOOK = str(hook)
    return folder / "senders"


def call(incident: Incident, what: str) -> HookCall:
    n = HookCall.objects.count()
    row = HookCall.objects.create(
        key=f"{incident.pk}:{n}", incident=incident, what=what, due_at=timezone.now()
    )
    jobs.sweep_hooks()
    row.refresh_from_db()
    assert row.done_at is not None, row.last_error
    return row


def refused(table: Path) -> list[str]:
    return [line.split()[0] for line in table.read_text().splitlines()]


def test_the_hook_of_the_page_restricts_and_releases(
    clinic: Tenant, school: Tenant, table: Path
) -> None:
    ours, theirs = make_incident(clinic), make_incident(school)

    assert call(ours, "restrict").answer == "1 domains are restricted"
    call(theirs, "restrict")
    call(ours, "restrict")
    assert refused(table) == ["clinic.example", "school.example"]
    call(ours, "release")
    call(ours, "release")
    assert refused(table) == ["school.example"]


def test_a_tenant_with_two_incidents_is_let_go_with_the_last(clinic: Tenant, table: Path) -> None:
    junk, fraud = make_incident(clinic), make_incident(clinic, feedback_class="fraud")
    call(junk, "restrict")
    call(fraud, "restrict")
    call(junk, "release")
    assert refused(table) == ["clinic.example"]
    call(fraud, "release")
    assert refused(table) == []


def test_a_tenant_without_a_domain_restricts_nobody_else(table: Path) -> None:
    nobody = make_tenant("Nobody")
    nobody.domains.all().delete()
    call(make_incident(nobody), "restrict")
    assert refused(table) == []


def test_the_call_of_the_page_is_the_call_that_we_make(clinic: Tenant) -> None:
    row = HookCall.objects.create(key="1:1", incident=make_incident(clinic), what="restrict")
    shown, made = json.loads(BLOCKS["call"]), json.loads(json.dumps(hooks.payload(row)))
    assert list(shown) == list(made)
    assert {name: type(value) for name, value in shown.items()} == {
        name: type(value) for name, value in made.items()
    }


def test_postfix_asks_the_table_that_the_hook_writes() -> None:
    assert BLOCKS["main.cf restrict"].rstrip().endswith(f"hash:{FOLDER}/senders")


def test_the_volumes_of_the_page_have_three_fields() -> None:
    rows = list(csv.reader(io.StringIO(BLOCKS["volumes.csv"])))
    assert rows[0] == ["tenant", "day", "messages"]
    assert {len(row) for row in rows} == {3}
