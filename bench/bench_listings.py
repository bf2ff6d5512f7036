"""How fast the list answers, is published and is filled, against the bare database.

On a database of its own: SQLite in a temporary folder, or beside the one that DATABASE_URL names.
The floor on PostgreSQL is COPY, on SQLite the same rows through a bare cursor, in the same run.
BENCH_LISTINGS says how many listings; the goals hold at 1,000,000.
"""

import gc
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
FOLDER = Path(tempfile.mkdtemp(prefix="postern-bench-"))
os.environ |= {"POSTERN_VAR": str(FOLDER), "POSTERN_DEMO": "1", "POSTERN_LOG_LEVEL": "ERROR"}
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation.settings")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, connections, transaction  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402

from escalation.actors import DESK  # noqa: E402
from escalation.prefixes import Address, parse_prefix, text  # noqa: E402
from listings import actions, editions, imports, publishing, queries, shelf  # noqa: E402
from listings.formats import plain  # noqa: E402
from listings.models import Listing, Publication  # noqa: E402
from listings.sinks import KINDS  # noqa: E402

POSTGRES = connection.vendor == "postgresql"
N = int(os.environ.get("BENCH_LISTINGS", "1000000" if POSTGRES else "100000"))
LOOK_UPS = 3000
ROUNDS = range(3)
# What must be reached: parts of the floor, look-ups a second, MiB above idle.
GOALS = (
    {"export": 0.8, "import": 0.3, "look-ups a second": 2000, "one removal": 3.0, "MiB": 64}
    if POSTGRES
    else {"export": 0.3, "import": 0.2, "look-ups a second": 1500, "one removal": 2.0, "MiB": 64}
)
TABLE = Listing._meta.db_table


def sample(n: int) -> list[str]:
    """Prefixes as lists have them: mostly single addresses, a few ranges, a tenth IPv6 /64s
    out of some thousand networks; in no order, as they come in over the years."""
    draw = random.Random(20)
    networks = [0x2A << 24 | draw.getrandbits(24) for _ in range(4000)]
    found = set()
    while len(found) < n:
        if draw.random() < 0.1:
            found.add(text(draw.choice(networks) << 96 | draw.getrandbits(32) << 64, 64, 6))
        else:
            length = draw.choice([32] * 9 + [24])
            number = draw.randrange(0x51000000, 0x5F000000) >> 32 - length << 32 - length
            found.add(text(number, length, 4))
    return list(found)


def seconds(work: Callable[[], object]) -> float:
    gc.collect()
    started = perf_counter()
    work()
    return perf_counter() - started


def best(work: Callable[[], object]) -> float:
    """Seconds of the quickest of a few rounds, so that a busy machine counts less."""
    return min(seconds(work) for _round in ROUNDS)


# -- Asking ----------------------------------------------------------------------------


def look_ups() -> float:
    """Our answer for one address, again and again on one connection; per second."""
    draw = random.Random(7)
    wanted: list[Address] = [
        IPv4Address(draw.randrange(0x51000000, 0x5F000000)) for _ in range(LOOK_UPS)
    ]
    for n in range(0, LOOK_UPS, 10):
        wanted[n] = IPv6Address(0x2A << 120 | draw.getrandbits(56) << 64)

    def ours() -> None:
        for address in wanted:
            queries.listed(address)

    return LOOK_UPS / best(ours)


# -- Filling ---------------------------------------------------------------------------


def bulk_import(texts: list[str]) -> float:
    """A plain file into an empty list, against the bare arrival of its rows in such a table."""

    def ours() -> None:
        rows, bad = imports.check(plain.read(texts))
        assert not bad
        imports.bring_in(rows, imports.Wishes(actor=DESK, source="bench"))

    took = seconds(ours)
    print(f"   import: {N / took:,.0f} lines a second")
    return bare_arrival() / took


def bare_arrival() -> float:
    names = ", ".join(f.column for f in Listing._meta.concrete_fields if not f.primary_key)
    with connection.cursor() as cursor:
        if POSTGRES:
            cursor.execute(f"CREATE TABLE bench_copy (LIKE {TABLE} INCLUDING ALL)")
            with cursor.copy(f"COPY (SELECT {names} FROM {TABLE}) TO STDOUT") as out:
                rows = [bytes(row) for row in out]

            def arrive() -> None:
                with cursor.copy(f"COPY bench_copy ({names}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write(row)
        else:
            cursor.execute(f"CREATE TABLE bench_copy AS SELECT {names} FROM {TABLE} WHERE 1 = 0")
            for name in ("prefix", "first"):  # a list without an index is none
                cursor.execute(f"CREATE INDEX bench_{name} ON bench_copy ({name})")
            cursor.execute(f"SELECT {names} FROM {TABLE}")
            found = cursor.fetchall()
            marks = ", ".join(["%s"] * len(found[0]))

            def arrive() -> None:
                cursor.executemany(f"INSERT INTO bench_copy ({names}) VALUES ({marks})", found)

        with transaction.atomic():
            return seconds(arrive)


# -- Publishing ------------------------------------------------------------------------


def bare_stream() -> None:
    """The rows of the list, in its order, through the driver and into nothing."""
    statement = (
        f"SELECT first, after, prefix, reason_class, id FROM {TABLE} WHERE state = 'active' "
    )
    with connection.cursor() as cursor:
        if POSTGRES:
            with cursor.copy(f"COPY ({statement} ORDER BY first, after DESC) TO STDOUT") as rows:
                for _row in rows:
                    pass
        else:
            cursor.execute(f"{statement} ORDER BY first, after DESC")
            while cursor.fetchmany(5000):
                pass


def edition() -> None:
    """Everything that is refused, merged, hashed and on disk, out of nothing but the database."""
    shutil.rmtree(shelf.folder(), ignore_errors=True)
    with editions.spooled(1):
        pass


def every_edition() -> None:
    """The same in every notation that there is."""
    shutil.rmtree(shelf.folder(), ignore_errors=True)
    with editions.spooled(1, [kind.NOTATION for kind in KINDS.values()]):
        pass


def export() -> float:
    floor, ours = best(bare_stream), best(edition)
    print(f"   export: {N / ours:,.0f} listings a second; the bare stream {N / floor:,.0f}")
    print(f"   in every notation: {N / seconds(every_edition):,.0f} listings a second")
    return floor / ours


def one_removal() -> float:
    """A full edition's seconds to those of the next, with one listing less."""
    with transaction.atomic():
        serial = publishing.ask([])
    with editions.spooled(serial) as made:
        Publication.objects.filter(pk=serial).update(sha256=made.sha256, begun_at=made.made_at)
    prefix = Listing.objects.enforced().filter(family=4)[0].network
    with transaction.atomic():
        later = actions.take_out(prefix, actor=DESK, reason="bench", key="bench")

    def ours() -> None:
        with editions.spooled(later) as made:
            assert made.n_read == 1

    took = seconds(ours)
    print(f"   one removal among {N:,}: {took * 1000:,.0f} ms, reading one cell")
    return best(edition) / took


ALONE = """
import django
django.setup()
from pathlib import Path
from django.db import connection
from listings import editions
from listings.models import Listing
Listing.objects.first()
def told(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
idle = told("VmRSS")
with editions.spooled(1) as made:
    assert made.n_prefixes
print(told("VmHWM") - idle)
"""


def memory() -> float:
    """MiB that a full edition takes at its peak above an idle process; in one of its own."""
    shutil.rmtree(shelf.folder(), ignore_errors=True)
    name = connection.settings_dict["NAME"]
    url = os.environ["DATABASE_URL"].replace("/postern?", f"/{name}?") if POSTGRES else ""
    environ = {**os.environ, "DATABASE_URL": url or f"sqlite:///{name}"}
    said = subprocess.run(
        [sys.executable, "-c", ALONE], env=environ, capture_output=True, text=True, check=True
    )
    return int(said.stdout) / 1024


def main() -> int:
    runner = DiscoverRunner(verbosity=0, interactive=False)
    if not POSTGRES:
        settings.DATABASES["default"]["TEST"]["NAME"] = str(FOLDER / "bench.sqlite3")
    made = runner.setup_databases()
    try:
        found = {"import": bulk_import(sample(N))}
        for n in range(0, 1000, 7):
            wide = actions.add(parse_prefix(f"2a02:{n:x}::/32"), actor=DESK, reason_class="range")
            actions.make_exceptions(parse_prefix(f"2a02:{n:x}:1::/48"), [wide], "", 0)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE" if POSTGRES else "ANALYZE")
        found |= {"look-ups a second": look_ups(), "export": export()}
        found |= {"one removal": one_removal(), "MiB": memory()}
    finally:
        connections.close_all()
        runner.teardown_databases(made)
        shutil.rmtree(FOLDER, ignore_errors=True)
    print(f"{connection.vendor}, {N:,} listings:")
    for name, goal in GOALS.items():
        good = found[name] <= goal if name == "MiB" else found[name] >= goal
        print(f"{name}: {found[name]:,.2f} ({goal:g}){'' if good else '  MISSED'}")
    return int(
        any((found[name] > g) if name == "MiB" else (found[name] < g) for name, g in GOALS.items())
    )


if __name__ == "__main__":
    sys.exit(main())
