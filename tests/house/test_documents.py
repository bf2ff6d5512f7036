"""Documents and translations say what the code says."""

import gettext
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from escalation import catalogue, documents

ROOT = Path(__file__).parents[2]
CATALOGUES = catalogue.catalogues(ROOT / "locale")
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]


def test_settings_and_lifecycles_are_documented_as_they_are() -> None:
    assert documents.stale(ROOT) == [], "run manage.py docs"


def test_every_setting_has_a_meaning_in_words() -> None:
    declared = documents.declared_settings()
    assert [name for name, _, meaning in declared if len(meaning.split()) < 2] == []
    assert len({name for name, _, _ in declared}) == len(declared)


def test_no_environment_variable_is_read_past_the_settings() -> None:
    declared = {name for name, _, _ in documents.declared_settings()}
    read = {
        line.split('environ.get("')[1].split('"')[0]
        for path in (ROOT / "escalation").rglob("*.py")
        for line in path.read_text().splitlines()
        if 'environ.get("' in line
    }
    assert read <= declared


def test_there_is_a_catalogue_for_every_language() -> None:
    assert {path.parts[-3] for path in CATALOGUES} == set(LANGUAGES)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_every_text_is_translated(path: Path) -> None:
    assert list(catalogue.problems(catalogue.read(path.read_text()))) == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_the_compiled_catalogue_is_the_written_one(path: Path) -> None:
    messages = catalogue.read(path.read_text())
    compiled = path.with_suffix(".mo")

    assert compiled.read_bytes() == catalogue.compiled(messages), "run manage.py translations"
    with compiled.open("rb") as opened:
        known = gettext.GNUTranslations(opened)
    for message in messages:
        if message.msgid and message.msgid_plural is None and message.msgctxt is None:
            assert known.gettext(message.msgid) == message.text


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_every_text_of_the_code_stands_in_the_catalogue(path: Path, tmp_path: Path) -> None:
    if not shutil.which("xgettext"):
        pytest.skip("gathering texts needs gettext: apt-get install gettext")
    copy = tmp_path / "postern"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "var", "build", "tests"))
    subprocess.run(
        [sys.executable, copy / "manage.py", "translations", "--gather"],
        check=True, capture_output=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "escalation.settings", "POSTERN_DEMO": "yes"},
    )  # fmt: skip
    gathered = catalogue.read((copy / path.relative_to(ROOT)).read_text())
    kept = {message.key for message in catalogue.read(path.read_text())}

    assert sorted({message.key for message in gathered} - kept) == []
