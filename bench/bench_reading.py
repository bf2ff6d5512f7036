"""How fast bounces and reports are read, against the bare parse of the standard library.

For each file the best of several rounds, taken in turn, so that a busy machine does not count;
the figure is the ratio of the sums over the same files.
"""

import email
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from abuse import reading  # noqa: E402
from mailroom import dsn  # noqa: E402

ROUNDS = range(7)
CORPORA = ROOT.parent / "shared/corpora"
READERS: tuple[tuple[str, Callable[[bytes], object], float, tuple[Path, ...]], ...] = (
    ("bounces", dsn.read, 0.40, (ROOT / "tests/fixtures/bounces", CORPORA / "bounces")),
    ("reports", reading.read, 0.50, (CORPORA / "reports",)),
)


def seconds(work: Callable[[bytes], object], raw: bytes) -> float:
    started = perf_counter()
    work(raw)
    return perf_counter() - started


def ratio(files: list[bytes], read: Callable[[bytes], object]) -> float:
    bare = ours = 0.0
    for raw in files:
        rounds = [(seconds(email.message_from_bytes, raw), seconds(read, raw)) for _ in ROUNDS]
        bare += min(one for one, _ in rounds)
        ours += min(other for _, other in rounds)
    return bare / ours


def main() -> int:
    missed = 0
    for name, read, floor, folders in READERS:
        files = [path.read_bytes() for folder in folders for path in sorted(folder.glob("*.eml"))]
        if not files:
            print(f"{name}: no samples here")
            continue
        reached = ratio(files, read)
        missed += reached < floor
        print(f"{name} read, {len(files)} files, of the bare parse: {reached:.2f} ({floor:.2f})")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
