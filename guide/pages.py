"""The guide's pages: Markdown in the tree, a folder of the operator's over it.

A page is ``NN-name.md`` in a folder named like its language: the number orders the pages, the
name is its address, the first line its title, the first paragraph says what it is about.  The
operator's folder (``POSTERN_GUIDE_DIR``) replaces pages of the same name and adds others.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.urls import reverse
from markdown_it import MarkdownIt

from delisting import policy
from listings.models import ReasonClass

CONTENT: Final = Path(__file__).parent / "content"
LONGEST: Final = 256 * 1024  # octets of one page
MOST: Final = 200  # pages of one folder

_FILE: Final = re.compile(r"(\d+)-([a-z0-9-]+)\.md")
_VALUE: Final = re.compile(r"{{ *([a-z_]+) *}}")
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its address's last part, title, first paragraph, and all of it as HTML."""

    slug: str
    title: str
    about: str
    html: str
    text: str
    language: str


def all_pages(language: str) -> dict[str, Page]:
    """The pages in ``language`` by name, in their order; English ones where there is no other."""
    folders = [CONTENT]
    if settings.POSTERN_GUIDE_DIR:
        folders.append(Path(settings.POSTERN_GUIDE_DIR))
    found: dict[str, tuple[int, Path, str]] = {}
    for spoken in dict.fromkeys([settings.LANGUAGES[0][0], language]):
        for folder in folders:
            for number, slug, path in _files(folder / spoken):
                found[slug] = (number, path, spoken)
    in_order = sorted(found.items(), key=lambda item: (item[1][0], item[0]))
    values = tuple(sorted(known_values().items()))
    return {slug: _read(path, slug, spoken, values) for slug, (_n, path, spoken) in in_order}


def _files(folder: Path) -> list[tuple[int, str, Path]]:
    if not folder.is_dir():
        return []
    named = ((_FILE.fullmatch(path.name), path) for path in sorted(folder.iterdir())[:MOST])
    return [(int(match[1]), match[2], path) for match, path in named if match and path.is_file()]


def _read(path: Path, slug: str, language: str, values: tuple[tuple[str, str], ...]) -> Page:
    """The page as the file has it now: an operator's change shows without a restart."""
    return _page(path, path.stat().st_mtime_ns, slug, language, values)


@lru_cache(maxsize=2 * MOST)
def _page(
    path: Path, _changed: int, slug: str, language: str, values: tuple[tuple[str, str], ...]
) -> Page:
    with path.open(encoding="utf-8", errors="replace") as file:
        source = file.read(LONGEST)
    text = filled(source, dict(values))
    head, _gap, rest = text.lstrip().partition("\n")
    about = next((part for part in re.split(r"\n\s*\n", rest) if part.strip()), "")
    return Page(
        slug=slug,
        title=head.lstrip("# ").strip() or slug,
        about=" ".join(_MARKDOWN.render(about).replace("<p>", "").replace("</p>", "").split()),
        html=_MARKDOWN.render(rest).replace("<table>", '<table class="table">'),
        text=text,
        language=language,
    )


def filled(text: str, values: Mapping[str, str]) -> str:
    """``text`` with the installation's values in it; a name that nobody knows stays as it is."""
    return _VALUE.sub(lambda found: values.get(found[1], found[0]), text)


def known_values() -> dict[str, str]:
    """What pages may say of the installation, by name."""
    return {
        "operator": settings.POSTERN_OPERATOR,
        "desk": settings.POSTERN_NAME,
        "postmaster": settings.POSTERN_POSTMASTER,
        "url": settings.POSTERN_URL,
        "delist_url": reverse("delisting:find"),
        "diagnosis_url": reverse("guide:diagnosis"),
        "codes_url": reverse("guide:codes"),
        "report_url": reverse("abuse:report"),
        "transparency_url": reverse("transparency"),
        "junk": f"junk@{settings.POSTERN_LETTER_DOMAIN}",
        **{name: str(value) for name, value in _numbers().items()},
    }


def _numbers() -> dict[str, int]:
    second = policy.rules()[ReasonClass.AUTOMATIC.value, 2]
    return {
        "link_hours": settings.POSTERN_DELIST_LINK_HOURS,
        "watch_days": settings.POSTERN_WATCH_DAYS,
        "keep_days": settings.POSTERN_KEEP_DAYS,
        "traffic_days": settings.POSTERN_TRAFFIC_DAYS,
        "appeal_days": settings.POSTERN_APPEAL_DAYS,
        "owner_days": settings.POSTERN_OWNER_DAYS[-1],
        "cooling_hours": second.wait_hours,
        "window_days": second.window_days,
        "referral_days": settings.POSTERN_REFERRAL_DAYS,
    }
