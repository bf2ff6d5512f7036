"""The parts of every page: what they say, and to whom."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from django import forms
from django.http import QueryDict
from django.template import Context, Template
from django.utils import translation
from pytest_django import DjangoAssertNumQueries, Settings

from customers.models import Tenant
from escalation import keyset, moments
from tests.factories import make_tenant

NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)  # a Thursday


def render(source: str, **values: Any) -> str:
    return Template(source).render(Context(values))


# -- Addresses ----------------------------------------------------------------------


def test_an_address_is_shown_with_a_copy_button_that_only_a_script_shows() -> None:
    said = render("{% address a %}가", a=ip_network("198.51.100.25/32"))

    assert said.startswith('<span class="addr">198.51.100.25</span><button class="copy"')
    assert 'data-copy="198.51.100.25"' in said
    assert " hidden>" in said
    assert said.endswith("</button>가")


def test_a_prefix_keeps_its_length_and_headings_need_no_button() -> None:
    said = render("{% address a copy=False %}", a=ip_network("2001:db8::/32"))

    assert said == '<span class="addr">2001:db8::/32</span>'


def test_an_address_cannot_bring_markup() -> None:
    assert "<script>" not in render("{% address a %}", a="<script>")


# -- Moments -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ago", "relative", "short"),
    [
        (timedelta(seconds=20), "just now", "11:59"),
        (timedelta(minutes=1), "1 minute ago", "11:59"),
        (timedelta(minutes=59), "59 minutes ago", "11:01"),
        (timedelta(hours=5), "5 hours ago", "07:00"),
        (timedelta(days=2), "2 days ago", "Tue 12:00"),
        (timedelta(days=13), "13 days ago", "27 February"),
        (timedelta(days=30), "4 weeks ago", "10 February"),
        (timedelta(days=100), "3 months ago", "2 December 2025"),
        (timedelta(days=900), "2 years ago", "24 September 2023"),
        (timedelta(minutes=-5), "in 5 minutes", "12:05"),
        (timedelta(days=-14), "in 14 days", "26 March"),
    ],
)
def test_moments_in_words(ago: timedelta, relative: str, short: str) -> None:
    with time_machine.travel(NOON, tick=False):
        assert moments.relative(NOON - ago) == relative
        assert moments.short(NOON - ago) == short


def test_the_exact_moment_is_always_there() -> None:
    with time_machine.travel(NOON, tick=False):
        said = render("{% moment m %}", m=NOON - timedelta(days=2))

    assert said == (
        '<time datetime="2026-03-10T12:00:00+00:00" title="Tuesday 10 March 2026, 12:00 UTC">'
        '2 days ago<span class="heard"> (Tuesday 10 March 2026, 12:00 UTC)</span></time>'
    )


def test_moments_are_told_in_the_readers_time_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Seoul"

    assert moments.exact(NOON) == "Thursday 12 March 2026, 21:00 KST"


def test_a_moment_that_never_was_shows_as_nothing() -> None:
    assert render("{% moment m %}", m=None) == ""


# -- Fields --------------------------------------------------------------------------


class Sample(forms.Form):
    name = forms.CharField(help_text="As on the door")
    note = forms.CharField(required=False)
    answer = forms.ChoiceField(
        choices=[("yes", "It is ours"), ("no", "It is not")],
        widget=forms.RadioSelect,
        help_text="Nothing is chosen for you.",
    )
    sure = forms.BooleanField(label="I am sure")
    key = forms.CharField(widget=forms.HiddenInput)


def test_a_wrong_field_is_tied_to_its_hint_and_its_error() -> None:
    said = render("{% field form.name %}", form=Sample({}))

    assert 'class="field wrong"' in said
    assert '<label for="id_name">Name</label>' in said
    assert '<span class="hint" id="id_name_helptext">As on the door</span>' in said
    assert '<span class="error" id="id_name_error">This field is required.</span>' in said
    assert 'aria-describedby="id_name_helptext id_name_error"' in said
    assert 'aria-invalid="true"' in said


def test_an_optional_field_says_so() -> None:
    assert "(optional)" in render("{% field form.note %}", form=Sample())
    assert "(optional)" not in render("{% field form.name %}", form=Sample())


def test_choices_are_rows_and_nothing_is_chosen() -> None:
    said = render(
        "{% choices form.answer details %}", form=Sample(), details={"no": "We ask the next."}
    )

    assert said.count('<label class="choice">') == 2
    assert "checked" not in said
    assert "<b>It is not</b> <small>We ask the next.</small>" in said
    assert 'aria-describedby="id_answer_helptext"' in said
    assert "<legend>Answer</legend>" in said


def test_every_kind_of_field_finds_its_part() -> None:
    form = Sample()

    assert "<fieldset" in render("{% field form.answer %}", form=form)
    assert '<label class="choice"><input type="checkbox"' in render(
        "{% field form.sure %}", form=form
    )
    hidden = render("{% field form.key %}", form=form)
    assert 'type="hidden"' in hidden
    assert "<label" not in hidden


def test_a_form_says_above_itself_what_is_wrong() -> None:
    said = render("{% form_errors form %}", form=Sample({"name": "x"}))

    assert 'role="alert"' in said
    assert '<a href="#id_answer">Answer</a>' in said
    assert "id_name" not in said
    assert render("{% form_errors form %}", form=Sample()).strip() == ""


# -- Where a thing stands ---------------------------------------------------------------


def test_stations_tell_done_now_and_later_in_words_too() -> None:
    rows = [
        {"label": "Opened", "state": "done", "when": NOON - timedelta(days=2)},
        {"label": "Owner asked", "state": "now", "party": "owner", "when": NOON},
        {"label": "Desk decides", "state": "later"},
    ]

    with time_machine.travel(NOON, tick=False):
        said = render('{% stations rows "Where it stands" %}', rows=rows)

    assert '<ol class="stations" aria-label="Where it stands">' in said
    assert '<li class="done"><b>Opened</b>' in said
    assert '<span class="heard">, done</span>' in said
    assert '<li class="now owner" aria-current="step"><span class="mark"></span>' in said
    assert "now, since <time" in said
    assert '<li><b>Desk decides</b><span class="heard">, later</span></li>' in said


def test_a_halt_is_where_the_thing_stands() -> None:
    said = render(
        '{% stations rows "x" %}', rows=[{"label": "Refused", "state": "halt", "when": "Thu"}]
    )

    assert '<li class="halt" aria-current="step"><b>Refused</b>' in said


def test_whose_turn_it_is_in_words_colour_and_shape() -> None:
    turn = {
        "party": "owner", "text": "Waiting for the owner", "since": NOON - timedelta(days=2),
        "small": "You need do nothing.",
    }  # fmt: skip

    with time_machine.travel(NOON, tick=False):
        said = render("{% turn row %}", row=turn)
        yours = render("{% turn row %}", row={**turn, "party": "customer", "yours": True})

    assert '<p class="turn owner"><span class="mark"></span>' in said
    assert "<b>Waiting for the owner</b>, since <time" in said
    assert "(2 days ago)." in said
    assert "<small>You need do nothing.</small>" in said
    assert 'class="turn customer yours"' in yours


def test_a_talk_shows_words_as_they_are_written() -> None:
    rows = [
        {
            "party": "customer", "author": "Dana", "when": NOON, "text": "One\n\n<b>two</b>",
            "files": [{"url": "/f/1/", "name": "bounce.eml", "size": 9216}],
        }
    ]  # fmt: skip

    said = render('{% talk rows "heading" %}', rows=rows)

    assert '<ol class="talk" aria-labelledby="heading">' in said
    assert "<p>&lt;b&gt;two&lt;/b&gt;</p>" in said
    assert '<a href="/f/1/">bounce.eml</a>' in said


def test_a_level_is_bars_and_a_word() -> None:
    assert render("{% level 2 %}") == '<span class="level l2">Level 2</span>'


@pytest.mark.parametrize("language", ["en", "ko"])
def test_parts_speak_every_language(language: str) -> None:
    with translation.override(language):
        assert render("{% turn row %}", row={"text": "x", "since": NOON})
        assert render("{% moment m %}", m=NOON)
        assert render("{% form_errors form %}", form=Sample({}))


# -- Long lists ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_pages_go_through_every_row_once_and_back() -> None:
    made = [make_tenant().pk for _ in range(7)]

    def page(query: str) -> keyset.Page[Tenant]:
        return keyset.page(Tenant.objects.all(), QueryDict(query.removeprefix("?")), size=3)

    first = page("show=all")
    second = page(first.older)
    third = page(second.older)

    found = [row.pk for part in (first, second, third) for row in part.rows]
    assert found == made[::-1]
    assert (first.newer, third.older) == ("", "")
    assert "show=all" in second.older
    assert page(third.newer).rows == second.rows
    assert page(second.newer).rows == first.rows
    assert page(second.newer).newer == ""


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["before=x", "after=-1", "before=", f"before={'9' * 40}"])
def test_a_made_up_key_asks_for_the_first_page(
    query: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_tenant()

    with django_assert_num_queries(1):
        assert len(keyset.page(Tenant.objects.all(), QueryDict(query)).rows) == 1


def test_pagination_shows_only_ways_that_exist() -> None:
    said = render("{% pagination page %}", page=keyset.Page([], "", "?before=3"))

    assert 'href="?before=3"' in said
    assert "Newer" not in said
    assert render("{% pagination page %}", page=keyset.Page([], "", "")).strip() == ""
