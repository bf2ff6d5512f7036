"""How fast the list answers, is published and is filled, against bare SQL on the same connection.

On a database of its own: SQLite in a temporary folder, or beside the one that DATABASE_URL names.
"""

import os
import random
import shutil
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
from django.db import connection, transaction  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402

from escalation.actors import DESK  # noqa: E402
from escalation.prefixes import Address, covering, parse_prefix, text  # noqa: E402
from listings import actions, editions, imports, queries  # noqa: E402
from listings.formats import plain  # noqa: E402
from listings.models import Listing  # noqa: E402

N = int(os.environ.get("BENCH_LISTINGS", "100000"))
LOOK_UPS = 1000
ROUNDS = range(3)
FLOORS = {"look-ups": 0.08, "import": 0.03, "export": 0.06}


def sample(n: int) -> list[str]:
    """Prefixes as lists have them: mostly single addresses, a tenth IPv6, a few ranges."""
    draw = random.Random(20)
    found = set()
    while len(found) < n:
        if draw.random() < 0.1:
            found.add(text(0x2A << 120 | draw.getrandbits(56) << 64, 64, 6))
        else:
            length = draw.choice([32] * 9 + [24])
            number = draw.randrange(0x51000000, 0x5F000000) >> 32 - length << 32 - length
            found.add(text(number, length, 4))
    return sorted(found)


def best(work: Callable[[], object]) -> float:
    """Seconds of the quickest of a few rounds, so that a busy machine counts less."""
    times = []
    for _round in ROUNDS:
        started = perf_counter()
        work()
        times.append(perf_counter() - started)
    return min(times)


def look_ups() -> float:
    """Our answer for one address, against one SELECT of the same keys by a bare cursor."""
    draw = random.Random(7)
    wanted: list[Address] = [
        IPv4Address(draw.randrange(0x51000000, 0x5F000000)) for _ in range(LOOK_UPS)
    ]
    wanted[::10] = [IPv6Address(0x2A << 120 | draw.getrandbits(56) << 64)] * len(wanted[::10])
    keys = [covering(parse_prefix(str(address))) for address in wanted]
    table = Listing._meta.db_table

    def bare() -> None:
        with connection.cursor() as cursor:
            for some in keys:
                holes = ",".join(["%s"] * len(some))
                cursor.execute(f"SELECT id FROM {table} WHERE prefix IN ({holes})", some)  # noqa: S608
                cursor.fetchall()

    def ours() -> None:
        for address in wanted:
            queries.listed(address)

    seconds = best(ours)
    print(f"   look-ups: {LOOK_UPS / seconds:,.0f} a second at {N:,} listings")
    return best(bare) / seconds


def bulk_import(texts: list[str]) -> float:
    """A plain file into an empty list, against the bare insertion of the same rows."""

    def ours() -> None:
        rows, bad = imports.check(plain.read(texts))
        assert not bad
        imports.bring_in(rows, imports.Wishes(actor=DESK, source="bench"))

    started = perf_counter()
    ours()
    seconds = perf_counter() - started
    print(f"   import: {N / seconds:,.0f} lines a second")
    return bare_insert() / seconds


def bare_insert() -> float:
    names = [field.column for field in Listing._meta.concrete_fields if not field.primary_key]
    quoted = ", ".join(names)
    table, copy = Listing._meta.db_table, "bench_copy"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {quoted} FROM {table}")  # noqa: S608
        rows = cursor.fetchall()
        cursor.execute(f"CREATE TABLE {copy} AS SELECT {quoted} FROM {table} WHERE 1 = 0")  # noqa: S608
        for name in ("prefix", "first"):  # a list without an index is none
            cursor.execute(f"CREATE INDEX {copy}_{name} ON {copy} ({name})")
        marks = ", ".join(["%s"] * len(names))
        started = perf_counter()
        with transaction.atomic():
            cursor.executemany(f"INSERT INTO {copy} ({quoted}) VALUES ({marks})", rows)  # noqa: S608
        return perf_counter() - started


def export() -> float:
    """An edition on disk, merged and hashed, against fetching the same rows in order."""
    table = Listing._meta.db_table
    order = f"SELECT first, length FROM {table} WHERE state = 'active' ORDER BY first, length"  # noqa: S608

    def bare() -> None:
        with connection.cursor() as cursor:
            cursor.execute(order)
            while cursor.fetchmany(5000):
                pass

    def ours() -> None:
        with editions.spooled(1):
            pass

    seconds = best(ours)
    print(f"   export: {N / seconds:,.0f} listings a second")
    return best(bare) / seconds


def main() -> int:
    runner = DiscoverRunner(verbosity=0, interactive=False)
    if connection.vendor == "sqlite":
        settings.DATABASES["default"]["TEST"]["NAME"] = str(FOLDER / "bench.sqlite3")
    made = runner.setup_databases()
    try:
        ratios = {"import": bulk_import(sample(N))}
        for n in range(0, 1000, 7):
            wide = actions.add(parse_prefix(f"2a02:{n:x}::/32"), actor=DESK, reason_class="range")
            actions.make_exceptions(parse_prefix(f"2a02:{n:x}:1::/48"), [wide], "", 0)
        ratios |= {"look-ups": look_ups(), "export": export()}
    finally:
        runner.teardown_databases(made)
        shutil.rmtree(FOLDER, ignore_errors=True)
    for name, ratio in ratios.items():
        print(f"{name}, of bare SQL: {ratio:.2f} ({FLOORS[name]:.2f})")
    return int(any(ratio < FLOORS[name] for name, ratio in ratios.items()))


if __name__ == "__main__":
    sys.exit(main())
