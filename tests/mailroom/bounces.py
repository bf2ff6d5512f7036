"""Bounces put together by the tests, and where the files for them lie."""

import json
from pathlib import Path

from mailroom.diagnosis import Diagnosis

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "bounces"
CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"

EXPECTED: dict[str, list[list[str]]] = json.loads(
    (FIXTURES / "expected.json").read_text(encoding="utf-8")
)

HEADERS = b"From: MAILER-DAEMON@mx.sender.example\nTo: a@sender.example\nSubject: failure notice\n"


def report(*recipients: dict[str, str], text: str = "Delivery failed.") -> bytes:
    """An RFC 3464 report; each recipient is a dictionary of its fields."""
    blocks = ["Reporting-MTA: dns; mx.sender.example"]
    blocks += ["\n".join(f"{name}: {value}" for name, value in one.items()) for one in recipients]
    status = "\n\n".join(blocks)
    return (
        HEADERS.decode()
        + 'MIME-Version: 1.0\nContent-Type: multipart/report; boundary="=_edge"\n\n'
        + f"--=_edge\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        + f"--=_edge\nContent-Type: message/delivery-status\n\n{status}\n\n--=_edge--\n"
    ).encode()


def rows(diagnosis: Diagnosis) -> list[list[str]]:
    return [
        [one.recipient, one.smtp_code, one.status, one.blocked_address, one.block_kind]
        for one in diagnosis.results
    ]
