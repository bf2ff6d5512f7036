"""Attacks by a list from elsewhere on the screen of whoever imports it."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db

LINES = """prefix,reason_class,source,listed_at,expires_at,evidence
\x1b[2J198.51.100.1,automatic,,,,
198.51.100.9,\x1b]0;owned\x07,,,,
198.51.100.10,automatic,,\x1b[31m,,
\u202e198.51.100.1,automatic,,,,
"""


@pytest.mark.parametrize("form", ["csv", "plain", "ip4trie"])
def test_no_bad_line_commands_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    file = tmp_path / "list"
    file.write_text(LINES)

    with pytest.raises(CommandError):
        call_command("listings", "import", str(file), "--format", form)

    told = capsys.readouterr().err
    assert "line 2" in told
    assert all(sign.isprintable() for sign in told.replace("\n", ""))
