"""How fast reports are read, attributed, counted and written, against reading them alone.

On a database of its own: SQLite in a temporary folder, or beside the one that DATABASE_URL names.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
FOLDER = Path(tempfile.mkdtemp(prefix="postern-bench-"))
os.environ |= {"POSTERN_VAR": str(FOLDER), "POSTERN_DEMO": "1", "POSTERN_LOG_LEVEL": "ERROR"}
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation.settings")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402
from django.utils import timezone  # noqa: E402

from abuse import jobs, reading, readings  # noqa: E402
from abuse.models import AddressRange, Report  # noqa: E402
from customers.models import Domain, Tenant  # noqa: E402
from mailroom.models import Channel, Purpose, Received  # noqa: E402
from tests.abuse.mails import Complaint, junk  # noqa: E402

N = int(os.environ.get("BENCH_REPORTS", "5000"))
TENANTS = 50
GOAL = 1000  # reports a second, with the database, on PostgreSQL


def mails() -> list[bytes]:
    """Reports as a feedback loop brings them: each about another message, most by headers alone."""
    return [
        bytes(
            Complaint(
                junk(n, f"tenant{n % TENANTS}.example"), n, f"user{n % 700}@far.example",
                source=f"192.0.2.{n % 250}", headers_only=n % 3 > 0,
            )
        )
        for n in range(N)
    ]  # fmt: skip


def store(raws: list[bytes]) -> None:
    for n in range(TENANTS):
        tenant = Tenant.objects.create(name=f"Tenant {n}")
        Domain.objects.create(tenant=tenant, name=f"tenant{n}.example")
    AddressRange.objects.create(prefix="192.0.2.0/24")
    Received.objects.bulk_create(
        [
            Received(
                key=f"{n:064x}", purpose=Purpose.JUNK, channel=Channel.LMTP, raw=raw,
                size=len(raw), mail_from="user@far.example", due_at=timezone.now(),
            )
            for n, raw in enumerate(raws)
        ],
        batch_size=500,
    )  # fmt: skip


def main() -> int:
    runner = DiscoverRunner(verbosity=0, interactive=False)
    if connection.vendor == "sqlite":
        settings.DATABASES["default"]["TEST"]["NAME"] = str(FOLDER / "bench.sqlite3")
    made = runner.setup_databases()
    try:
        raws = mails()
        store(raws)
        started = perf_counter()
        for raw in raws:
            reading.read(raw)
        alone = perf_counter() - started
        started = perf_counter()
        with readings.reader() as child:
            while batch := jobs.claim():
                jobs.read(child, batch)
        took = perf_counter() - started
        assert Report.objects.count() == N, Report.objects.count()
    finally:
        runner.teardown_databases(made)
        shutil.rmtree(FOLDER, ignore_errors=True)
    print(f"{connection.vendor}: {N / took:,.0f} reports a second ({GOAL:,} on PostgreSQL)")
    print(f"   of reading alone: {alone / took:.3f}")
    return int(connection.vendor == "postgresql" and N / took < GOAL)


if __name__ == "__main__":
    sys.exit(main())
