"""How fast the public pages answer with 100,000 listings, 10,000 of them asked about.

Server time through the whole middleware.  The floor is the search page of the guide without a
query, in the same run: a page of the same layout that asks the database for nothing much.
"""

import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
FOLDER = Path(tempfile.mkdtemp(prefix="postern-bench-"))
os.environ |= {"POSTERN_VAR": str(FOLDER), "POSTERN_DEMO": "1", "POSTERN_LOG_LEVEL": "ERROR"}
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation.settings")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402

from escalation.actors import DESK  # noqa: E402
from listings import imports  # noqa: E402
from listings.formats import plain  # noqa: E402
from tickets import figures  # noqa: E402

POSTGRES = connection.vendor == "postgresql"
N = int(os.environ.get("BENCH_LISTINGS", "100000"))
ROUNDS = 200
GOAL = 50.0  # ms of server time that 95 of 100 answers may take
FIRST = int(IPv4Address("81.0.0.0"))


def address(draw: random.Random) -> str:
    """A listed one mostly, else its neighbour."""
    return str(IPv4Address(FIRST + 7 * draw.randrange(N) + draw.choice([0, 0, 0, 1])))


PAGES: dict[str, Callable[[random.Random], str]] = {
    "floor": lambda draw: "/guide/search/",
    "front": lambda draw: "/",
    "look-up": lambda draw: f"/delist/?address={address(draw)}",
    "diagnosis": lambda draw: f"/diagnosis/?address={address(draw)}",
    "guide page": lambda draw: "/guide/delisting/",
    "every code": lambda draw: "/guide/codes/",
    "one code": lambda draw: f"/guide/codes/{draw.choice(['5.7.606', '5.7.1', '4.7.650'])}/",
    "search": lambda draw: f"/guide/search/?q={draw.choice(['dkim', 'banned ip', 'S3150'])}",
    "transparency": lambda draw: "/transparency/",
}


def times(client: Client, page: Callable[[random.Random], str]) -> list[float]:
    """Milliseconds of each answer."""
    draw, took = random.Random(4), []
    for _ in range(ROUNDS):
        path = page(draw)
        begun = perf_counter()
        answer = client.get(path)
        took.append(1000 * (perf_counter() - begun))
        assert answer.status_code in {200, 302}, path
    return took


def main() -> int:
    runner = DiscoverRunner(verbosity=0, interactive=False)
    if not POSTGRES:
        settings.DATABASES["default"]["TEST"]["NAME"] = str(FOLDER / "bench.sqlite3")
    made = runner.setup_databases()
    missed = False
    try:
        texts = [f"{IPv4Address(FIRST + 7 * n)}/32" for n in range(N)]
        rows, _bad = imports.check(plain.read(texts))
        imports.bring_in(rows, imports.Wishes(actor=DESK, source="bench"))
        figures.refresh()
        call_command("collectstatic", interactive=False, verbosity=0)
        with override_settings(ALLOWED_HOSTS=["*"]):
            client = Client()
            for page in PAGES.values():
                client.get(page(random.Random(1)))
            floor = median(times(client, PAGES["floor"]))
            print(f"{connection.vendor}, {N:,} listings; floor {floor:.1f} ms")
            for name, page in PAGES.items():
                took = times(client, page)
                p95 = quantiles(took, n=20)[-1]
                missed |= p95 > GOAL
                print(
                    f"{name}: median {median(took):.1f} ms, p95 {p95:.1f} ms ({GOAL:.0f}), "
                    f"{median(took) / floor:.1f} of the floor{'  MISSED' if p95 > GOAL else ''}"
                )
    finally:
        connections.close_all()
        runner.teardown_databases(made)
        shutil.rmtree(FOLDER, ignore_errors=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
