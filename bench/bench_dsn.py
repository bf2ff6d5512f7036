"""How fast bounces are read, against the bare parse of the standard library on the same files.

Ratio of speeds, best of several rounds taken in turn, so that a busy machine hurts both alike.
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
ROUNDS = 7
SAMPLES = (
    (ROOT / "tests/fixtures/bounces", "*.eml"),
    (ROOT.parent / "shared/corpora/bounces", "*.eml"),
)


def seconds(work: Callable[[bytes], object], files: list[bytes]) -> float:
    started = perf_counter()
    for raw in files:
        work(raw)
    return perf_counter() - started


def main() -> int:
    files = [path.read_bytes() for folder, names in SAMPLES for path in sorted(folder.glob(names))]
    rounds = [
        (seconds(email.message_from_bytes, files), seconds(read, files)) for _ in range(ROUNDS)
    ]
    ratio = min(bare for bare, _ in rounds) / min(ours for _, ours in rounds)
    print(f"bounces read, {len(files)} files: {ratio:.2f} of the bare parse ({FLOOR:.2f})")
    return int(ratio < FLOOR)


if __name__ == "__main__":
    sys.exit(main())
