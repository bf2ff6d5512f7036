import gettext
import io
import re

from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from escalation import catalogue

WRITTEN = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"POT-Creation-Date: 2026-01-01 00:00+0000\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

#. For the sender.
#: tickets/emails.py:12
#, python-format
msgctxt "letter"
msgid ""
"Your mail to "
"%(name)s"
msgstr "%(name)s 님께 보낸 메일"

msgid "One ticket"
msgid_plural "%(n)s tickets"
msgstr[0] "티켓 %(n)s건"

#, fuzzy
msgid "Guess"
msgstr "짐작"

msgid "Missing"
msgstr ""

msgid "Lost %(place)s"
msgstr "잃음"

#~ msgid "Old"
#~ msgstr "옛"
"""


def known(messages: list[catalogue.Message]) -> gettext.GNUTranslations:
    return gettext.GNUTranslations(io.BytesIO(catalogue.compiled(messages)))


def test_contexts_plurals_and_broken_lines_are_read() -> None:
    korean = known(catalogue.read(WRITTEN))

    assert korean.pgettext("letter", "Your mail to %(name)s") == "%(name)s 님께 보낸 메일"
    assert korean.ngettext("One ticket", "%(n)s tickets", 5) == "티켓 %(n)s건"


def test_guesses_and_gaps_stay_english_and_are_named() -> None:
    messages = catalogue.read(WRITTEN)

    assert known(messages).gettext("Guess") == "Guess"
    assert [problem.rpartition(": ")[2] for problem in catalogue.problems(messages)] == [
        "fuzzy",
        "not translated",
        "placeholders differ",
    ]


def test_a_text_that_stands_twice_is_named() -> None:
    twice = 'msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n'

    assert list(catalogue.problems(catalogue.read(twice))) == ["line 4 'a': twice"]


def test_when_the_texts_were_gathered_does_not_change_the_result() -> None:
    later = WRITTEN.replace("2026-01-01", "2027-02-02")

    assert catalogue.compiled(catalogue.read(later)) == catalogue.compiled(catalogue.read(WRITTEN))


@given(st.dictionaries(st.text("가나ab \t\\\"'", min_size=1), st.text('다라cd\\"', min_size=1)))
def test_whatever_is_written_is_what_gettext_finds(texts: dict[str, str]) -> None:
    header = catalogue.Message(1, msgstr={0: "Content-Type: text/plain; charset=UTF-8\n"})
    messages = [catalogue.Message(1, msgid=key, msgstr={0: text}) for key, text in texts.items()]

    korean = known([header, *messages])
    assert {key: korean.gettext(key) for key in texts} == texts


def test_no_korean_text_leaves_the_particle_to_the_reader() -> None:
    """이(가), 은(는), 을(를) read like a form: a noun stands before the particle instead."""
    text = (settings.LOCALE_PATHS[0] / "ko/LC_MESSAGES/django.po").read_text(encoding="utf-8")

    assert re.findall(r"이\(가\)|은\(는\)|을\(를\)|\(으\)로|와\(과\)", text) == []
