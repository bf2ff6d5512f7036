"""The command on files and, where they lie beside this repository, on the reference corpora."""

import json
import subprocess
import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.mailroom.bounces import CORPORA, FIXTURES

BOUNCE = str(FIXTURES / "rfc3464-postfix.eml")
corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason="The reference corpora are not here.")


def diagnose(*paths: str, **options: bool) -> str:
    out = StringIO()
    call_command("diagnose", *paths, stdout=out, **options)
    return out.getvalue()


def test_each_file_is_one_line_of_json_in_order() -> None:
    paths = [str(path) for path in sorted(FIXTURES.glob("*.eml"), reverse=True)]

    answers = [json.loads(line) for line in diagnose(*paths, json=True).splitlines()]

    assert [answer["file"] for answer in answers] == paths
    assert answers[-1].keys() == {"file", "kind", "results", "error"}


def test_people_get_words() -> None:
    said = diagnose(BOUNCE)

    assert "Blocked address: 192.0.2.17" in said
    assert "Spamhaus ZEN, https://check.spamhaus.org/" in said


def test_standard_input_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(Path(BOUNCE).read_bytes())))

    assert json.loads(diagnose("-", json=True))["kind"] == "bounce"


def test_a_missing_file_fails_after_the_others() -> None:
    out, err = StringIO(), StringIO()

    with pytest.raises(CommandError):
        call_command("diagnose", "nowhere.eml", BOUNCE, json=True, stdout=out, stderr=err)

    assert json.loads(out.getvalue())["file"] == BOUNCE
    assert "nowhere.eml" in err.getvalue()


def scored(scorer: str, folder: str, names: str, *floors: str) -> str:
    paths = [str(path) for path in sorted((CORPORA / folder).glob(names))]
    answers = diagnose(*paths, json=True)
    run = subprocess.run(
        [sys.executable, CORPORA / scorer, CORPORA / folder, "-", *floors],
        input=answers,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


@corpora
def test_the_bounces_of_the_corpus_are_read() -> None:
    scored(
        "score_bounces.py",
        "bounces",
        "*.eml",
        *(f"--min={field}=0.97" for field in ("recipient", "status", "smtp_code", "kind")),
        *(f"--min={field}=0.97" for field in ("action", "reporting_mta", "remote_mta")),
        *("--min=read=1", "--min=diagnostic=0.97", "--min=blocked_address=0.95"),
        *("--min=block_kind=0.9", "--max-wrong=blocked_address=0"),
    )


@corpora
def test_the_replies_of_the_corpus_are_read() -> None:
    scored(
        "score_replies.py",
        "replies",
        "*.txt",
        *("--min=read=1", "--min=kind=1", "--min=smtp_code=0.97", "--min=status=0.97"),
        *("--min=blocked_address=0.95", "--min=block_kind=0.9", "--max-wrong=blocked_address=0"),
    )
