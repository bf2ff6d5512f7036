"""What every template may use: addresses, moments, form fields, stations, turns, talk.

Every tag takes plain values or plain rows (a mapping or any object with the
same attributes), so that a page needs no template logic of its own.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from django import forms, template
from django.forms import BoundField
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from escalation import moments, prefixes

register = template.Library()

FORMS = {"relative": moments.relative, "short": moments.short, "day": moments.day}


def _item(row: Any, name: str, default: Any = "") -> Any:
    if isinstance(row, Mapping):
        return row.get(name, default)
    return getattr(row, name, default)


# -- Values ---------------------------------------------------------------------


@register.simple_tag
def address(value: object, copy: bool = True) -> SafeString:
    """Show an address or a prefix (text or ``ipaddress``), with a copy button for scripts.

    ``copy=False`` leaves the button out, in headings and in links.  No space
    follows, so that a Korean particle may.
    """
    shown = prefixes.shown(value) if isinstance(value, (IPv4Network, IPv6Network)) else str(value)
    shown = shown.removesuffix("/32") if "." in shown else shown.removesuffix("/128")
    plain = format_html('<span class="addr">{}</span>', shown)
    if not copy:
        return plain
    return format_html(
        '{}<button class="copy" type="button" data-copy="{}" data-copied="{}" hidden>'
        '{}<span class="heard"> {}</span></button>',
        plain, shown, _("Copied"), _("Copy"), shown,
    )  # fmt: skip


@register.simple_tag
def moment(value: datetime | None, form: str = "relative") -> str:
    """Show a moment: ``relative`` ("2 days ago"), ``short`` ("Tue 09:14"), ``day`` or ``exact``.

    The exact form is always there: as the title, and for those who hear the page.
    An unset moment shows as nothing.
    """
    if value is None:
        return ""
    exact = moments.exact(value)
    if form == "exact":
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), exact)
    said = FORMS[form](value)
    return format_html(
        '<time datetime="{}" title="{}">{}<span class="heard"> ({})</span></time>',
        value.isoformat(), exact, said, exact,
    )  # fmt: skip


@register.filter
def lasting(seconds: float) -> str:
    """How long something takes: see ``moments.lasting``."""
    return moments.lasting(seconds)


@register.simple_tag
def level(number: int) -> SafeString:
    """Show how far a case has been escalated: 0 to 3, as bars and a word."""
    return format_html(
        '<span class="level l{}">{}</span>', number, _("Level %(number)d") % {"number": number}
    )


# -- Forms ----------------------------------------------------------------------


@register.simple_tag
def field(bound: BoundField, details: Mapping[str, object] | None = None) -> str:
    """Show one field of a form: label, hint, error and control, tied together.

    Radio buttons and several ticks become ``choices``, a single tick one row
    to press; a hidden field is its control alone.
    """
    widget = bound.field.widget
    widget.attrs.pop("placeholder", None)  # a library's; the label is above
    if isinstance(widget, (forms.RadioSelect, forms.CheckboxSelectMultiple)):
        return choices(bound, details)
    one_tick = isinstance(widget, forms.CheckboxInput)
    part = "parts/tick.html" if one_tick else "parts/field.html"
    return render_to_string(part, {"field": bound})


@register.simple_tag
def choices(bound: BoundField, details: Mapping[str, object] | None = None) -> str:
    """Show radio buttons or ticks as rows to press; nothing is chosen beforehand.

    ``details`` maps a value to the second line of its row.
    """
    details = details or getattr(bound.field, "details", {})
    rows = [
        {
            "tag": row.tag(),
            "label": row.choice_label,
            "detail": details.get(str(row.data["value"]), ""),
        }
        for row in bound.subwidgets
        if str(row.data["value"])
    ]
    context = {"field": bound, "rows": rows, "described_by": bound.aria_describedby}
    return render_to_string("parts/choices.html", context)


# -- Where a thing stands -----------------------------------------------------------


@register.inclusion_tag("parts/stations.html")
def stations(rows: Iterable[Any], label: str, upright: bool = False) -> dict[str, Any]:
    """Show the way of a ticket, case, request or letter as a line of stations.

    A row has ``label``; ``state``: done, now, halt or later; ``when``: a
    moment or words, may be empty; ``party``: whose turn it is at the station
    that is *now*: customer, sender, owner, desk or nobody.
    """
    return {
        "stations": [_station(row) for row in rows],
        "label": label,
        "upright": upright,
    }


def _station(row: Any) -> dict[str, Any]:
    state, when = str(_item(row, "state", "later")), _item(row, "when")
    party = (str(_item(row, "party")) or "desk") if state == "now" else ""
    if isinstance(when, datetime):
        when = moment(when, "short")
        if state == "now":
            when = format_html(_("now, since {}"), when)
    return {
        "label": _item(row, "label"),
        "when": when,
        "party": party,
        "css": f"now {party}" if party else state if state in {"done", "halt"} else "",
        "here": state in {"now", "halt"},
        "heard": {"done": _("done"), "later": _("later")}.get(state, ""),
    }


@register.inclusion_tag("parts/turn.html")
def turn(row: Any) -> dict[str, Any]:
    """Show whose turn it is: the one line under the stations.

    ``row`` has ``party`` (customer, sender, owner, desk, nobody); ``yours``:
    whether the reader is that party; ``text`` without a full stop where
    ``since`` (a moment) follows; ``small``: a second line, may be empty.
    """
    since = _item(row, "since", None)
    return {
        "party": str(_item(row, "party", "nobody")),
        "yours": bool(_item(row, "yours", False)),
        "text": _item(row, "text"),
        "since": moment(since, "short") if since else "",
        "ago": moments.relative(since) if since else "",
        "small": _item(row, "small"),
    }


@register.inclusion_tag("parts/talk.html")
def talk(rows: Iterable[Any], labelled_by: str = "") -> dict[str, Any]:
    """Show one conversation.

    A row has ``party`` (customer, sender, owner or desk), ``author``,
    ``when`` (a moment), ``text``, and may have ``files``: rows of ``url``,
    ``name`` and ``size`` in bytes.  ``labelled_by`` is the id of its heading.
    """
    return {"talk": rows, "labelled_by": labelled_by}


@register.inclusion_tag("parts/pagination.html")
def pagination(page: Any) -> dict[str, Any]:
    """Show the ways to newer and older rows of an ``escalation.keyset.Page``."""
    return {"page": page}


@register.inclusion_tag("parts/form_errors.html")
def form_errors(form: forms.BaseForm) -> dict[str, Any]:
    """Say above a form that it was not accepted, with links to its wrong fields."""
    return {"form": form}
