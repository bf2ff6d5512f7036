"""How fast bounces are read, against the bare parse of the standard library on the same files.

For each file the best of several rounds, taken in turn, so that a busy machine does not count;
the figure is the ratio of the sums.
"""

import email
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mailroom.dsn import read  # noqa: E402

FLOOR = 0.40
ROUNDS = range(7)
SAMPLES = (
    (ROOT / "tests/fixtures/bounces", "*.eml"),
    (ROOT.parent / "shared/corpora/bounces", "*.eml"),
)


def seconds(work: Callable[[bytes], object], raw: bytes) -> float:
    started = perf_counter()
    work(raw)
    return perf_counter() - started


def main() -> int:
    files = [path.read_bytes() for folder, names in SAMPLES for path in sorted(folder.glob(names))]
    bare = ours = 0.0
    for raw in files:
        rounds = [(seconds(email.message_from_bytes, raw), seconds(read, raw)) for _ in ROUNDS]
        bare += min(one for one, _ in rounds)
        ours += min(other for _, other in rounds)
    ratio = bare / ours
    print(f"bounces read, {len(files)} files, of the bare parse: {ratio:.2f} ({FLOOR:.2f})")
    return int(ratio < FLOOR)


if __name__ == "__main__":
    sys.exit(main())
