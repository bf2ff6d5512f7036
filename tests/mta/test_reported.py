"""Junk that is reported by mail: through a real Postfix to a report on the tenant's page."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from abuse.kinds import Filed
from abuse.models import Incident, Report, SigningKey
from customers.models import Tenant, User
from escalation import queue
from tests.abuse.mails import Complaint, junk, record, signed
from tests.jobs.test_kills import database_url
from tests.mta import blocks
from tests.mta.browser import Browser
from tests.mta.desk import Jobs, Web
from tests.mta.files import URL
from tests.mta.postfix import SMTP, Postfix
from tests.mta.servers import eventually
from tests.mta.test_receive import HOST, OWN, PICKUP, PORT, submit

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "203.0.113.16"


@pytest.fixture
def postfix(room: Path) -> Iterator[Postfix]:
    main, own = blocks.block("receive", "main.cf lmtp"), blocks.block("receive", "master.cf lmtp")
    with Postfix(
        "reported", room, listen=ADDRESS, port=SMTP, domain="clinic.example", main=main + OWN,
        master=f"{ADDRESS}:{SMTP} inet n - n - - smtpd\n{PICKUP}{own}",
    ) as server:  # fmt: skip
        yield server


@pytest.fixture
def running(room: Path, tmp_path_factory: Any) -> Iterator[None]:
    """The web server and the job runner, which keeps the receiver of the page going."""
    var = Path(tmp_path_factory.mktemp("var"))
    queue.sync_schedules()
    environ = {
        "DATABASE_URL": database_url(), "POSTERN_DEMO": "yes", "POSTERN_VAR": str(var),
        "POSTERN_URL": URL, "POSTERN_DNS": "127.0.0.1",
        "POSTERN_RECEIVE": blocks.block("receive", "environment").strip().partition("=")[2],
    }  # fmt: skip
    with (
        override_settings(POSTERN_DEMO=True, POSTERN_VAR=var, POSTERN_URL=URL),
        Web(room, environ),
        Jobs(room, environ),
    ):
        assert eventually(receiver_answers, 60)
        yield


def receiver_answers() -> bool:
    with suppress(OSError), socket.create_connection((HOST, PORT), 5) as line:
        return line.recv(3) == b"220"
    return False


def test_a_report_by_mail_is_counted_on_the_right_tenant_within_seconds(
    running: None, postfix: Postfix, clinic: Tenant, school: Tenant, dana: User, charlie: User,
    tell: Callable[[str], None],
) -> None:  # fmt: skip
    SigningKey.objects.create(
        tenant=clinic, domain="clinic.example", selector="s1", record=record(),
        valid_from=timezone.now() - timedelta(days=400),
    )  # fmt: skip
    begun = time.monotonic()
    submit(postfix, bytes(Complaint(signed(junk(1)), 1)))
    assert eventually(lambda: Report.objects.exists(), 60), postfix.last_words()
    tell(f"reported: {time.monotonic() - begun:.1f} s from Postfix to the counted report")
    report = Report.objects.get()
    assert (report.tenant, report.strength, report.filed) == (clinic, "A1", Filed.COUNTED)
    assert Incident.objects.get().anonymous == 1

    theirs = Browser().sign_in(dana).get("/junk/").text
    assert "Win a prize 1" in theirs
    assert "signed by you, whole" in theirs
    assert "pat@far.example" not in theirs
    assert "Win a prize 1" not in Browser().sign_in(charlie).get("/junk/").text
