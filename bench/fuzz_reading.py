"""Look for input that makes a reader of reports fail or hang: ``bench/fuzz_reading.py [SECONDS]``.

The search is led by what the code does with each input (atheris).  It is no dependency of the
service nor of its tests, and the readers need nothing but the standard library, so it may live in
an environment of its own.  An input that fails is kept in ``var/fuzz/`` and named at the end;
what was learned is kept in ``var/fuzz/corpus/``, where the next search begins.
"""

import json
import sys
from base64 import b64encode
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

try:
    import atheris
except ImportError:
    sys.exit(
        "Fuzzing needs atheris. Install it in an environment of its own, and start this with it:\n"
        "  python3 -m venv var/fuzz/venv && var/fuzz/venv/bin/pip install atheris\n"
        "  var/fuzz/venv/bin/python bench/fuzz_reading.py 600"
    )

with atheris.instrument_imports(include=["abuse", "mailroom", "email"]):
    from abuse import reading

SECONDS = 600
SLOWEST = 5  # seconds for one input
LONGEST = 64 * 1024  # octets of one input
MEMORY = 1024  # MiB
SEEDS = (
    ROOT / "tests/fixtures/bounces",
    ROOT.parent / "shared/corpora/bounces",
    ROOT.parent / "shared/corpora/reports",
)
FOUND = ROOT / "var/fuzz"

JUNK = "Received: x\nFrom: <a@b.example>\nDate: x\nMessage-ID: <c@b.example>\n\nBuy now!\n"
WORDS = (
    "Subject: x\n\n---------- Forwarded message ---------\nFrom: <a@b.example>\nDate: x\n\nx\n",
    "Subject: x\n\nBegin forwarded message:\n\n> From: <a@b.example>\n> Date: x\n>\n> x\n",
    "Subject: x\n\n-----Original Message-----\n보낸 사람: <a@b.example>\n제목: x\n\nx\n",
    f"Subject: x\n\n{JUNK}",
    "Subject: unsubscribe\nX-Autoreply: yes\n\n",
)
DOCUMENTS = (
    {
        "xarf_version": "4.0.0", "category": "messaging", "type": "spam", "report_id": "1",
        "source_identifier": "192.0.2.40", "smtp_from": "a@b.example",
        "evidence": [
            {"content_type": "message/rfc822", "payload": b64encode(JUNK.encode()).decode()}
        ],
    },
    {
        "Version": "3",
        "Report": {
            "ReportType": "Spam", "Source": {"IP": "192.0.2.40"}, "Date": "x",
            "Samples": [{"ContentType": "text/plain", "Base64Encoded": False, "Payload": JUNK}],
        },
    },
)  # fmt: skip


def read_all(raw: bytes) -> None:
    """Read ``raw`` in every way; what is answered must be fit for a table."""
    for read in (reading.read, reading.read_upload, reading.read_document):
        json.dumps(asdict(read(raw)), ensure_ascii=False).encode()


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    corpus = FOUND / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for n, text in enumerate([*WORDS, *map(json.dumps, DOCUMENTS)]):
        (corpus / f"seed-{n}").write_text(text)
    options = {
        "max_total_time": seconds, "timeout": SLOWEST, "max_len": LONGEST, "rss_limit_mb": MEMORY,
        "artifact_prefix": f"{FOUND}/",
    }  # fmt: skip
    arguments = [f"-{name}={value}" for name, value in options.items()]
    folders = [str(folder) for folder in (corpus, *SEEDS) if folder.is_dir()]
    atheris.Setup([sys.argv[0], *arguments, *folders], read_all)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
