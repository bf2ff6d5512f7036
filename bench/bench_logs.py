"""How fast logs are read and counted, against reading the same lines and searching each for a word.

On a database of its own: SQLite in a temporary folder, or beside the one that DATABASE_URL names.
"""

import os
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
FOLDER = Path(tempfile.mkdtemp(prefix="postern-bench-"))
os.environ |= {"POSTERN_VAR": str(FOLDER), "POSTERN_DEMO": "1", "POSTERN_LOG_LEVEL": "ERROR"}
os.environ |= {"POSTERN_URL": "https://desk.mail.example"}
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation.settings")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402

from escalation.actors import DESK  # noqa: E402
from escalation.prefixes import parse_prefix  # noqa: E402
from listings import actions  # noqa: E402
from listings.hits import Ingest  # noqa: E402
from traffic.logs import FORMATS  # noqa: E402
from traffic.logs.position import open_log  # noqa: E402
from traffic.models import Tally  # noqa: E402

N = int(os.environ.get("BENCH_LINES", "200000"))
GOAL = 20_000  # lines a second
LISTED = [f"198.51.100.{n}" for n in range(256)] + [f"203.0.113.{n}" for n in range(256)]
DOMAINS = [f"tenant{n}.example" for n in range(200)]


def write(path: Path) -> None:
    """A log as a busy server has it: a tenth refused, a tenth accepted, the rest about both."""
    draw = random.Random(3)
    with path.open("w") as log:
        for n in range(N):
            clock = f"{n // 20000 % 24:02d}:{n // 400 % 60:02d}:{n // 7 % 60:02d}"
            stamp = f"2026-11-25T{clock}.1+00:00 mx1"
            address, domain = draw.choice(LISTED), draw.choice(DOMAINS)
            smtpd = f"{stamp} postfix/smtpd[{draw.randrange(9999)}]:"
            queue = f"{n // 10:010X}"
            kind = n % 10
            if kind == 0:
                line = (
                    f"{smtpd} NOQUEUE: reject: RCPT from unknown[{address}]: 550 5.7.606 "
                    f"<unknown[{address}]>: Client host rejected: Mail from {address} is refused: "
                    f"see https://desk.mail.example/delist/?address={address} (L{n % 500}); "
                    f"from=<a{n}@bank.example> to=<box{n % 50}@{domain}> proto=ESMTP helo=<x>"
                )
            elif kind == 1:
                line = f"{smtpd} {queue}: client=mail.ok.example[192.0.2.{n % 250}]"
            elif kind == 2:
                line = (
                    f"{stamp} postfix/lmtp[77]: {queue}: to=<box@{domain}>, "
                    "relay=store[127.0.0.1]:24, delay=0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok)"
                )
            elif kind == 3:
                line = f"{stamp} postfix/qmgr[9]: {queue}: from=<a@ok.example>, size=4012, nrcpt=1"
            elif kind == 4:
                line = f"{stamp} postfix/qmgr[9]: {queue}: removed"
            else:
                line = f"{smtpd} disconnect from unknown[{address}] ehlo=1 rcpt=0/1 commands=3/4"
            log.write(line + "\n")


def floor(path: Path) -> float:
    word = re.compile(rb"\[(\d+\.\d+\.\d+\.\d+)\]")
    started = perf_counter()
    with path.open("rb") as log:
        for line in log:
            word.search(line)
    return perf_counter() - started


def main() -> int:
    runner = DiscoverRunner(verbosity=0, interactive=False)
    if connection.vendor == "sqlite":
        settings.DATABASES["default"]["TEST"]["NAME"] = str(FOLDER / "bench.sqlite3")
    made = runner.setup_databases()
    try:
        for address in LISTED:
            actions.add(parse_prefix(address), actor=DESK, reason_class="automatic")
        path = FOLDER / "mail.log"
        write(path)
        bare = floor(path)
        position = open_log(path)
        assert position is not None
        started, cpu = perf_counter(), process_time()
        ingest = Ingest(position, FORMATS["postfix"]())
        ingest.run()
        took, cpu = perf_counter() - started, process_time() - cpu
        refused = sum(Tally.objects.values_list("refused", flat=True))
        accepted = sum(Tally.objects.values_list("accepted", flat=True))
        assert (refused, accepted) == (N // 10, N // 10), (refused, accepted)
    finally:
        runner.teardown_databases(made)
        shutil.rmtree(FOLDER, ignore_errors=True)
    print(f"{connection.vendor}: {N / took:,.0f} lines a second ({GOAL:,})")
    print(f"   CPU {cpu:.1f} of {took:.1f} s")
    print(f"   of reading and searching alone: {bare / took:.3f}")
    return int(N / took < GOAL)


if __name__ == "__main__":
    sys.exit(main())
