"""What is kept in the repository: no host in a lock, no path of one machine."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

ROOT = Path(__file__).parents[2]
HOME = re.compile(r"(?<![\w./-])/(?:home|root|Users|work)/\w")
WORDS = re.compile(r"\b(?:blacklist|whitelist)", re.IGNORECASE)
TEXT = {".py", ".html", ".md", ".txt", ".toml", ".css", ".js", ".po", ".service", ".sh", ""}


def kept(*patterns: str) -> list[Path]:
    """Files that git knows or would take in."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("no git repository here: clone it with git (apt-get install git)")
    return [ROOT / name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]


def lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in paths
        if path.suffix in TEXT
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if pattern.search(line)
    ]


def test_locks_carry_a_hash_for_every_package_and_no_host() -> None:
    locks = kept("requirements/*.txt")
    assert {path.name for path in locks} == {"base.txt", "test.txt", "dev.txt", "setup.txt"}
    assert lines_with(re.compile(r"://|--index|--find-links|@ "), locks) == []
    for path in locks:
        packages = [block for block in re.split(r"\n(?=\w)", path.read_text()) if "==" in block]
        assert packages
        assert all("--hash=sha256:" in block for block in packages)


def test_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    asked = {
        "base.txt": project["project"]["dependencies"],
        "test.txt": project["project"]["dependencies"] + groups["test"],
        "dev.txt": project["project"]["dependencies"] + groups["test"] + groups["dev"],
        "setup.txt": groups["setup"],
    }
    for name, wanted in asked.items():
        locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / name).read_text(), re.M))
        assert {re.split(r"[\[<>=]", each)[0] for each in wanted} <= locked


def test_no_path_of_one_machine_is_kept() -> None:
    assert lines_with(HOME, [path for path in kept() if path != Path(__file__)]) == []


def test_what_people_read_uses_our_words() -> None:
    assert lines_with(WORDS, kept("*.html", "*.md", "locale/*.po", "templates/*")) == []


@pytest.mark.parametrize("path", [*settings.SWEEPS.values(), *settings.HEALTH_CHECKS])
def test_what_the_settings_name_exists(path: str) -> None:
    assert callable(import_string(path))
