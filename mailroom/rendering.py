"""Letters as text: templates without HTML, in the reader's language, in lines of mail."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import east_asian_width

from django.conf import settings
from django.template import Context, Engine
from django.utils import translation

from mailroom.models import Letter

LINE: Final = 76  # columns; a Korean syllable takes two
LONGEST_SUBJECT: Final = 200
LONGEST_LEAD: Final = 20  # more indent than that is no item's

# Control characters, halves of characters, and marks that turn the direction of
# what follows: none has a place in a letter, some would hide what it says.
_UNFIT = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_LEAD = re.compile(r"(?:> ?)*[ \t]*(?:[-*•] +)?")
_GAP = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Text:
    """What a letter says."""

    subject: str
    body: str


def render(template: str, context: Mapping[str, Any], language: str) -> Text:
    """Fill ``<template>.subject.txt`` and ``<template>.body.txt`` in ``language``.

    The body ends with who writes and why: ``<template>.why.txt`` where the
    letter has its own reason, ``mailroom/why.txt`` where it has not.  ``{{ link }}``
    stands for the signed link, which is put in when the letter is sent.
    """
    mark = f"[[{secrets.token_hex(16)}]]"  # nobody's words can stand for the link
    values = {**_operator(), **context, "link": mark}
    with translation.override(known_language(language)):
        subject = _fill([f"{template}.subject.txt"], values)
        body = _fill([f"{template}.body.txt"], values)
        why = _fill([f"{template}.why.txt", "mailroom/why.txt"], values)
        foot = _fill(["mailroom/foot.txt"], {**values, "why": single_line(why)})
    parts = [_set_in_lines(_with_link(part, mark)) for part in (body, foot)]
    plain = _without_link(subject.replace(mark, ""))
    return Text(single_line(plain, LONGEST_SUBJECT), "\n\n-- \n".join(parts) + "\n")


def _with_link(part: str, mark: str) -> str:
    """``part`` with the link where the template has it, and nowhere else.

    The link opens what is the reader's own: other people's words that become
    it could carry it elsewhere (``https://…/?[[link]]``).
    """
    return _without_link(part).replace(mark, Letter.LINK)


def _without_link(text: str) -> str:
    """``text`` without the link's place, also where taking one out, or cleaning, makes another."""
    text = clean(text)
    while Letter.LINK in text:
        text = text.replace(Letter.LINK, "")
    return text


def known_language(language: str) -> str:
    """``language`` if we speak it, else the installation's own."""
    return language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def clean(text: str) -> str:
    """``text`` with plain line ends and without control characters."""
    return _UNFIT.sub("", _LINE_END.sub("\n", text))


def single_line(text: str, most: int | None = None) -> str:
    """``text`` cleaned, on one line, of at most ``most`` characters."""
    line = " ".join(clean(text).split())
    return line if most is None or len(line) <= most else line[: most - 1].rstrip() + "…"


def _operator() -> dict[str, str]:
    return {
        "desk_name": settings.POSTERN_NAME,
        "operator_name": settings.POSTERN_OPERATOR,
        "postmaster": settings.POSTERN_POSTMASTER,
        "desk_url": settings.POSTERN_URL,
    }


def _fill(names: list[str], values: Mapping[str, Any]) -> str:
    # Letters are no HTML: an ampersand stays an ampersand.
    context = Context(values, autoescape=False)
    return str(Engine.get_default().select_template(names).render(context))


def _set_in_lines(text: str) -> str:
    lines = [_wrap(line.rstrip()) for line in clean(text).split("\n")]
    return _GAP.sub("\n\n", "\n".join(lines)).strip("\n")


def _wrap(line: str) -> str:
    """Break a long line between words; items and quotations keep their mark and indent.

    A word that is longer than a line, such as a link, stays whole.
    """
    if columns(line) <= LINE:
        return line
    found = _LEAD.match(line)
    lead = found[0] if found and len(found[0]) <= LONGEST_LEAD else ""
    following = lead if ">" in lead else " " * len(lead)
    lines, room = [lead], LINE - len(lead)
    for word in line[len(lead) :].split(" "):
        is_first = lines[-1] in (lead, following)
        needed = columns(word) + (not is_first)
        if needed > room and not is_first:
            lines.append(following)
            is_first, needed, room = True, columns(word), LINE - len(following)
        lines[-1] += word if is_first else f" {word}"
        room -= needed
    return "\n".join(line.rstrip() for line in lines)


def columns(text: str) -> int:
    """How many columns ``text`` takes where each letter has the same width."""
    return len(text) + sum(east_asian_width(letter) in "WF" for letter in text)
