"""The agents' queue: saved views, search, and pages in the order of urgency.

Nothing here counts the whole table or skips over rows: a count stops at
``COUNTED`` and a page begins after the last row of the one before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation import keyset, moments
from escalation.actors import Actor
from escalation.errors import type_of_text
from tickets.desk.standing import RUNS_ITSELF
from tickets.desk.steps import seen_of
from tickets.lifecycle import OPEN, TURN, Party, State
from tickets.models import Case, CaseQuerySet, Ticket

SIZE = 25  # cases of one page
COUNTED = 100  # one more than the most that a view's count shows
SOON = timedelta(hours=24)
WITH_OTHERS = (State.AWAITING_OWNER, State.AWAITING_SENDER, State.AWAITING_CUSTOMER)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = "never"

Narrow = Callable[[CaseQuerySet, Actor], CaseQuerySet]


@dataclass(frozen=True, slots=True)
class View:
    """One saved view of the queue."""

    name: str
    label: type_of_text
    narrow: Narrow


def _in(*states: str) -> Narrow:
    return lambda cases, actor: cases.filter(state__in=states)


def _mine(cases: CaseQuerySet, actor: Actor) -> CaseQuerySet:
    return cases.open().filter(agent=actor.user)


def _due(cases: CaseQuerySet, actor: Actor) -> CaseQuerySet:
    return cases.open().filter(answer_by__lte=timezone.now() + SOON)


VIEWS = (
    View("open", gettext_lazy("Open"), lambda cases, actor: cases.open()),
    View("mine", gettext_lazy("Mine"), _mine),
    View(
        "unassigned",
        gettext_lazy("Held by nobody"),
        lambda cases, actor: cases.open().filter(agent=None),
    ),
    View("due", gettext_lazy("Due within a day"), _due),
    View("waiting", gettext_lazy("Waiting for others"), _in(*WITH_OTHERS)),
    View("unknown", gettext_lazy("Owner unknown"), _in(State.OWNER_UNKNOWN)),
    View("delisting", gettext_lazy("Delisting"), _in(State.DELISTING)),
    View("all", gettext_lazy("All"), lambda cases, actor: cases),
)
BY_NAME = {view.name: view for view in VIEWS}
UNCOUNTED = frozenset({"all"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of cases; ``first`` and ``following`` are query strings, "" at the ends."""

    cases: list[Case]
    first: str
    following: str


def counts(actor: Actor) -> list[dict[str, Any]]:
    """Every view with its count, which stops at "99+"; one small query each."""
    cases = Case.objects.visible_to(actor)
    return [
        {
            "name": view.name,
            "label": view.label,
            "count": "" if view.name in UNCOUNTED else _shown(view.narrow(cases, actor)),
        }
        for view in VIEWS
    ]


def _shown(cases: CaseQuerySet) -> str:
    n = cases.order_by()[:COUNTED].count()
    return str(n) if n < COUNTED else f"{COUNTED - 1}+"


def urgent_first(cases: CaseQuerySet, query: Mapping[str, Any], size: int = SIZE) -> Sheet:
    """The page of ``cases`` that ``from`` in ``query`` asks for, the earliest due first.

    Cases without a due time come last.  A mark that cannot be read asks for
    the first page.
    """
    mark = _read_mark(str(query.get("from", "")))
    rows = cases if mark is None else cases.filter(_after(*mark))
    order = F("answer_by").asc(nulls_last=True)
    found = list(rows.for_queue().order_by(order, "pk")[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return Sheet(
        found[:size],
        first="" if mark is None else _link(query, None),
        following=_link(query, _mark(last)) if last else "",
    )


def newest_first(cases: CaseQuerySet, query: Mapping[str, Any]) -> Sheet:
    """The page of ``cases`` that ``before`` in ``query`` asks for, the newest first."""
    page = keyset.page(cases.for_queue(), query, SIZE)
    return Sheet(page.rows, first=_link(query, None) if page.newer else "", following=page.older)


def _after(due: datetime | None, pk: int) -> Q:
    if due is None:
        return Q(answer_by=None, pk__gt=pk)
    return Q(answer_by__gt=due) | Q(answer_by=due, pk__gt=pk) | Q(answer_by=None)


def _mark(case: Case) -> str:
    due = case.answer_by
    when = NEVER if due is None else str((due - EPOCH) // timedelta(microseconds=1))
    return f"{when}-{case.pk}"


def _read_mark(text: str) -> tuple[datetime | None, int] | None:
    when, _sep, number = text.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    if when == NEVER:
        return None, int(number)
    if not (when.isascii() and when.isdigit() and len(when) < 18):
        return None
    return EPOCH + timedelta(microseconds=int(when)), int(number)


def _link(query: Mapping[str, Any], mark: str | None) -> str:
    words = query.copy() if isinstance(query, QueryDict) else QueryDict(mutable=True)
    for name in ("from", "before", "after"):
        words.pop(name, None)
    if mark is not None:
        words["from"] = mark
    return f"?{words.urlencode()}"


# -- What a row shows --------------------------------------------------------------


def rows(cases: list[Case], actor: Actor) -> list[dict[str, Any]]:
    """What the queue shows of each case; one query for all of them."""
    n_tickets = _open_tickets(cases)
    return [
        {
            "case": case,
            "chosen": f"{case.pk}:{seen_of(case)}",
            "party": TURN[case.state].value,
            "party_label": _("Desk (jobs)") if case.state in RUNS_ITSELF else case.turn.label,
            "yours": case.turn == Party.DESK
            and case.state not in RUNS_ITSELF
            and _is_mine(case, actor),
            "state": State(case.state).label,
            "due": due_of(case),
            "n_tickets": n_tickets.get(case.pk, 0),
            "holder": case.agent,
            "mine": _is_mine(case, actor),
        }
        for case in cases
    ]


def _is_mine(case: Case, actor: Actor) -> bool:
    return actor.user is not None and case.agent_id == actor.user.pk


def _open_tickets(cases: list[Case]) -> dict[int, int]:
    found = Ticket.objects.open().filter(case__in=[case.pk for case in cases])
    pairs = found.order_by().values_list("case").annotate(n=Count("pk"))
    return dict(pairs)


def due_of(case: Case) -> dict[str, Any] | None:
    """When the party should have acted: ``look`` is a tag's class, "" for plain words."""
    due = case.answer_by
    if due is None:
        return None
    if case.state in OPEN and due < timezone.now():
        words = _("overdue since %(moment)s") % {"moment": moments.short(due)}
        return {"look": "stop", "words": words, "moment": due}
    if case.state in OPEN and timezone.localdate(due) == timezone.localdate():
        words = _("today %(moment)s") % {"moment": moments.short(due)}
        return {"look": "warn", "words": words, "moment": due}
    return {"look": "", "words": moments.short(due), "moment": due}
