"""``manage.py whose``: the command, and the corpus it is judged by."""

import json
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from ownership.fake_registry import FakeRegistry

FIXTURES = Path(__file__).parents[1] / "fixtures" / "rdap"
CORPORA = Path(__file__).parents[2] / "../shared/corpora"


def whose(*arguments: str) -> str:
    out = StringIO()
    call_command("whose", *arguments, stdout=out)
    return out.getvalue()


def lines(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in whose("--json", *arguments).splitlines()]


@pytest.fixture
def registry(db: None, settings: Settings) -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        settings.POSTERN_RDAP_BASE = running.url
        yield running


def test_recorded_answers_are_printed_one_a_line_in_order(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("<html>")
    arin = str(FIXTURES / "arin-nested.json")

    first, second = lines("--rdap", arin, str(broken))

    assert first == {
        "file": arin,
        "start": "203.0.113.0",
        "end": "203.0.113.255",
        "handle": "NET-203-0-113-0-1",
        "organisation": "Sample Networks LLC",
        "contacts": [
            {
                "email": "ip-contact@sample.example",
                "roles": ["abuse", "noc", "technical", "administrative"],
                "score": 5,
                "flags": ["validated"],
            },
            {
                "email": "abuse@sample.example",
                "roles": ["abuse"],
                "score": 13,
                "flags": ["unvalidated"],
            },
            {
                "email": "jo.doe@sample.example",
                "roles": ["routing"],
                "score": 41,
                "flags": ["person", "validated"],
            },
        ],
        "chosen": "ip-contact@sample.example",
        "flags": [],
    }
    assert second["file"] == str(broken)
    assert (second["flags"], second["chosen"]) == (["error", "no_contact"], None)
    assert "no JSON" in second["error"]


def test_a_file_that_is_not_there_is_said_so() -> None:
    with pytest.raises(CommandError, match="Cannot read nowhere"):
        whose("--rdap", "nowhere.json")


def test_an_address_is_looked_up_and_explained(registry: FakeRegistry) -> None:
    assert whose("192.0.2.7") == (
        "192.0.2.7\n"
        "  range     192.0.2.0 – 192.0.2.255\n"
        "  handle    192.0.2.0 - 192.0.2.255  HOSTING-EXAMPLE-1, ALLOCATED PA, DE\n"
        "  held by   Hosting Example GmbH\n"
        "  →    8    abuse@hosting.example  abuse (tier 1); role mailbox -2\n"
        "      28    admin@hosting.example  administrative (tier 3); role mailbox -2\n"
        "      38    noc@hosting.example  technical (tier 4); role mailbox -2\n"
        "  chosen    abuse@hosting.example\n"
    )


def test_the_contract_is_the_same_for_a_live_look_up(registry: FakeRegistry) -> None:
    (answer,) = lines("2001:db8:200:10::25")

    assert answer["file"] == "2001:db8:200:10::25"
    assert (answer["start"], answer["chosen"]) == ("2001:db8:200:10::", "abuse@nuri.example")
    assert len(registry.log) == 1


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("203.0.113.240", "Not in the registry"),
        ("203.0.113.241", "asks us to wait 120 s"),
        ("203.0.113.243", "not allowed"),
        ("203.0.113.247", "no JSON"),
        ("no-address", "not an IP address"),
    ],
)
def test_without_an_answer_it_says_why_and_fails(
    registry: FakeRegistry, subject: str, words: str
) -> None:
    out = StringIO()

    with pytest.raises(CommandError, match="No answer for 1 of 2"):
        call_command("whose", "192.0.2.1", subject, stdout=out)

    assert words in out.getvalue()
    assert "abuse@hosting.example" in out.getvalue()


@pytest.mark.django_db
def test_what_no_registry_keeps_is_asked_nowhere(settings: Settings) -> None:
    settings.POSTERN_RDAP_BASE = ""

    with pytest.raises(CommandError):
        whose("10.0.0.1")


@pytest.mark.skipif(not CORPORA.exists(), reason="the corpora are not beside this repository")
def test_the_corpus_is_read_and_answered_in_full(tmp_path: Path) -> None:
    corpus = CORPORA.resolve() / "rdap"
    files = sorted(str(path) for path in corpus.glob("*.json") if path.name != "labels.json")
    answers = tmp_path / "rdap.jsonl"
    answers.write_text(whose("--json", "--rdap", *files), encoding="utf-8")
    least = [f"{field}=1" for field in ("read", "range", "handle", "contacts", "chosen", "flags")]

    scored = subprocess.run(
        [sys.executable, str(CORPORA.resolve() / "score_rdap.py"), str(corpus), str(answers),
         *(word for share in least for word in ("--min", share)), "--max-wrong", "forbidden=0"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert scored.returncode == 0, scored.stdout + scored.stderr
