"""Whatever a person reads goes through the translations: pages, letters, names of fields."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.utils.functional import Promise

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
OURS = {
    "abuse",
    "customers",
    "delisting",
    "escalation",
    "guide",
    "listings",
    "mailroom",
    "ownership",
    "tickets",
}

# A letter to an owner is in every language that the owner may read, one part below the other.
IN_ITS_LANGUAGE = re.compile(r"ownership/email/(?:parts/\w+\.\w\w|\w+\.subject)\.txt")
# The same in every language: names of protocols and hashes.
NAMES = re.compile(r"\b(?:DNS|SHA-256|SPF|DMARC|DKIM|UTC)\b")

TRANSLATED = re.compile(r"{%\s*blocktranslate\b.*?{%\s*endblocktranslate\s*%}", re.DOTALL)
UNSAID = re.compile(
    r"{%\s*comment\b.*?{%\s*endcomment\s*%}|{#.*?#}"
    r"|{% block bodyclass %}.*?{% endblock|<(script|style|code|pre)\b.*?</\1>",
    re.DOTALL,
)
FILLED = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
TAG = re.compile(r"<[^>]*>|&#?\w+;", re.DOTALL)
READ_OUT = re.compile(r'\b(?:alt|aria-label|aria-description|placeholder|title)="([^"]*)"')
WORD = re.compile(r"[^\W\d_]{2,}")


# Reasons that are kept in English; the Korean part says them itself.
BY_LANGUAGE = {"{{ one.reason_text", "{{ one.reason_ko", "{{ answer.reject_reason"}


def untranslated(template: str) -> list[str]:
    """The words of a template that stand outside ``translate`` and ``blocktranslate``."""
    said = FILLED.sub(" ", UNSAID.sub(" ", TRANSLATED.sub(" ", template)))
    read_out = " ".join(READ_OUT.findall(said))
    return WORD.findall(NAMES.sub(" ", f"{TAG.sub(' ', said)} {read_out}"))


@pytest.mark.parametrize(
    "path", sorted(TEMPLATES.rglob("*.*")), ids=lambda path: str(path.relative_to(TEMPLATES))
)
def test_no_template_has_words_of_its_own(path: Path) -> None:
    if not IN_ITS_LANGUAGE.fullmatch(str(path.relative_to(TEMPLATES))):
        assert untranslated(path.read_text()) == []


def test_words_outside_the_translations_are_found() -> None:
    assert untranslated('<p title="Hint">{% translate "Yes" %} <b>No</b> {{ name }}</p>') == [
        "No",
        "Hint",
    ]


def test_each_part_of_an_owners_letter_is_there_in_both_languages_with_the_same_facts() -> None:
    parts = TEMPLATES / "ownership/email/parts"
    english = {path.name.removesuffix(".en.txt") for path in parts.glob("*.en.txt")}
    assert english == {path.name.removesuffix(".ko.txt") for path in parts.glob("*.ko.txt")}
    for name in english:
        said = [
            {*re.findall(r"{{ [\w.]+", (parts / f"{name}.{language}.txt").read_text())}
            for language in ("en", "ko")
        ]
        assert said[0] ^ said[1] <= BY_LANGUAGE, name


# -- In Python ----------------------------------------------------------------------------

SHOWN = {"label", "verbose_name", "verbose_name_plural", "description", "empty_label"}
SAYING = {"Refused", "ValidationError", "success", "warning", "message_user"}
LOGS = {"log", "logger"}
SAME_EVERYWHERE = {"Message-ID"}  # the name of a header
# Read by whoever writes a program or starts one: the scheme of the API, a made-up registry.
FOR_DEVELOPERS = {"tickets/api.py", "ownership/fake_registry.py"}


def literals(tree: ast.AST) -> Iterator[str]:
    """Strings that a person would read, given as they are."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        given: list[ast.expr] = [word.value for word in node.keywords if word.arg in SHOWN]
        if name in SAYING and getattr(getattr(node.func, "value", None), "id", "") not in LOGS:
            given += node.args
        for each in given:
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield each.value


def test_no_label_and_no_refusal_is_bare() -> None:
    bare = {
        f"{path.relative_to(ROOT)}: {text}"
        for app in OURS
        for path in (ROOT / app).rglob("*.py")
        if not {"migrations", "management"} & {*path.parts}
        if str(path.relative_to(ROOT)) not in FOR_DEVELOPERS
        for text in literals(ast.parse(path.read_text()))
        if WORD.search(text) and text not in SAME_EVERYWHERE
    }
    assert bare == set()


def shown_fields() -> Iterator["Field[object, object]"]:
    """The fields that the desk shows: of the tables, and of what hangs on them."""
    tables: list[tuple[type[Model], admin.options.BaseModelAdmin[Model]]] = []
    for model, table in admin.site._registry.items():
        if model.__module__.split(".")[0] in OURS:
            tables.append((model, table))
            tables += [(each.model, each(model, admin.site)) for each in table.inlines]
    for model, table in tables:  # type: ignore[assignment]
        shown = [getattr(table, name, None) or () for name in ("list_display", "fields")]
        for name in [*shown[0], *table.readonly_fields, *flatten(list(shown[1]))]:
            try:
                found = model._meta.get_field(str(name))
            except FieldDoesNotExist:
                continue
            if isinstance(found, Field):
                yield found


def test_every_field_on_the_desk_has_a_name_in_every_language() -> None:
    nameless = {
        str(field) for field in shown_fields() if not isinstance(field.verbose_name, Promise)
    }
    assert {name for name in nameless if name.rpartition(".")[2] not in {"sha256", "url"}} == set()
