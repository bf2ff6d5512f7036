"""Ten thousand mails of every kind while workers are killed: each is counted once, or unread."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from abuse.kinds import Filed
from abuse.models import Incident, Report, SigningKey, Voice
from customers.models import Tenant
from escalation import queue
from mailroom.models import Channel, Purpose, Received
from mailroom.receiving import store
from tests.abuse.mails import Complaint, junk, record, signed
from tests.errands.models import QUICK
from tests.factories import make_tenant
from tests.jobs.test_kills import Runner, database_url, eventually, left_over

pytestmark = [pytest.mark.kill, pytest.mark.django_db(transaction=True)]

N = 10_000
TENANTS = 5
PATIENCE = 240.0  # seconds until everything must be read


class Workers(Runner):
    """A ``runjobs`` whose batches may take as long as reading takes."""

    def start(self) -> None:
        environ = {**os.environ, QUICK: "10", "DATABASE_URL": database_url()}
        command = [sys.executable, "manage.py", "runjobs", "--stall", "45", "--late", "3"]
        self.child = subprocess.Popen(command, env=environ)
        self.starts += 1


@pytest.fixture
def runner() -> Iterator[Runner]:
    queue.sync_schedules()
    runner = Workers()
    yield runner
    runner.stop()
    assert not left_over()


@pytest.fixture
def tenants(transactional_db: None) -> list[Tenant]:
    made = [make_tenant(f"T{n}", domain=f"t{n}.example") for n in range(TENANTS)]
    for tenant in made:
        SigningKey.objects.create(
            tenant=tenant, domain=f"{tenant.name.lower()}.example", selector="s1",
            record=record(), valid_from=timezone.now() - timedelta(days=400),
        )  # fmt: skip
    return made


def mail(n: int, signatures: dict[int, bytes]) -> bytes:
    """The n-th mail: proved, a claim, a repeat, not ours, plain, automatic, hostile or broken."""
    domain, kind = f"t{n % TENANTS}.example", n % 10
    reporter = f"user{n}@far.example"
    if kind == 0:
        return bytes(Complaint(signatures[n // 10 % 50], n, f"user{n // 10 % 50}@far.example"))
    if kind == 1:
        return bytes(Complaint(junk(n, domain), n, reporter))
    if kind == 2:  # the same report as its neighbour's, in other bytes
        claim = bytes(Complaint(junk(n - 1, domain), n - 1, f"user{n - 1}@far.example"))
        return b"X-Again: yes\r\n" + claim
    if kind == 3:
        return bytes(Complaint(junk(n, "elsewhere.example"), n, reporter, source="203.0.113.9"))
    if kind == 4:
        return f"From: <{reporter}>\r\nSubject: {n}\r\n\r\nHello.\r\n".encode()
    if kind == 5:
        return f"Auto-Submitted: auto-replied\r\nSubject: {n}\r\n\r\nAway.\r\n".encode()
    if kind == 6:
        return (
            b"X-N: %d\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" % n + b"--b\n\n" * 300
        )
    if kind == 7:
        return b"X-N: %d\r\n" % n + b"Content-Type: message/rfc822\r\n\r\n" * 200
    if kind == 8:
        return bytes(Complaint(junk(n, domain), n, reporter))[: 400 + n % 300]
    return b"\xff\x00" * 40 + b"%d" % n


def test_every_mail_is_counted_once_or_stands_in_unread(
    runner: Runner, tenants: list[Tenant]
) -> None:
    signatures = {n: signed(junk(n, f"t{n % TENANTS}.example"), f"t{n % TENANTS}.example")
                  for n in range(50)}  # fmt: skip
    Received.objects.bulk_create(
        [
            Received(
                key=f"{n:064x}", purpose=Purpose.JUNK, channel=Channel.LMTP, raw=raw,
                size=len(raw), mail_from="u@far.example", due_at=timezone.now(),
            )
            for n in range(N)
            for raw in [mail(n, signatures)]
        ],
        batch_size=500,
    )  # fmt: skip
    queue.nudge("reports")
    draw, kills, end = random.Random(7), 0, time.monotonic() + PATIENCE
    while waiting() and time.monotonic() < end:
        time.sleep(draw.uniform(0.3, 1.5))
        if kills < 12 and (stat := runner.cluster()):
            with contextlib.suppress(ProcessLookupError):
                if kills % 3 == 2:  # a worker alone; killed while idle it would stop the others
                    os.kill(draw.choice(stat.workers), signal.SIGKILL)
                else:
                    os.killpg(stat.pid, signal.SIGKILL)
                kills += 1
    assert eventually(lambda: not waiting(), 60), f"{waiting()} not read"
    assert kills >= 3
    assert_all_counted_once()


def waiting() -> int:
    return Received.objects.filter(due_at__isnull=False).count()


def assert_all_counted_once() -> None:
    unread = Received.objects.exclude(unread="").count()
    assert Report.objects.count() + unread == N
    assert not Received.objects.exclude(unread="").filter(report__isnull=False).exists()
    filed = Counter(Report.objects.values_list("filed", flat=True))
    counted = Report.objects.filter(filed=Filed.COUNTED)
    assert filed[Filed.COUNTED] == Voice.objects.count()
    for incident in Incident.objects.all():
        voices = incident.voices.filter(is_proved=True).count()
        assert incident.proved == voices
        assert incident.claims == incident.voices.filter(is_proved=False).count()
    proved = counted.filter(strength="A1").values_list("reporter", "tenant_id")
    assert len(proved) == len(set(proved)) == 50
    assert unread >= 1000


def test_a_mail_stored_while_the_workers_die_is_read_by_the_next_ones(
    runner: Runner, tenants: list[Tenant]
) -> None:
    store(
        bytes(Complaint(signed(junk(1, "t0.example"), "t0.example"))), purpose=Purpose.JUNK,
        channel=Channel.LMTP, mail_from="pat@far.example",
    )  # fmt: skip
    runner.kill()
    runner.start()
    assert eventually(lambda: Report.objects.filter(strength="A1").exists(), 60)
    assert Incident.objects.get().anonymous == 1
