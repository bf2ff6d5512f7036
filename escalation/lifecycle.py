"""The one engine that changes a state.

A ``Lifecycle`` is a table of ``Transition``; it decides and never writes.
``advance`` carries a decision out: it locks and rereads the row, asks the
table, and writes history, state and nudges together; ``advance_all`` does so
for many rows at once.  No other code in the tree assigns a state.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from escalation import queue
from escalation.actors import Actor, Role
from escalation.errors import KeyReused, Refused, type_of_text

BULK = 500  # rows in one statement
STAFF = frozenset({Role.AGENT, Role.DESK})


class NotAllowed(Refused):
    """The subject cannot take this step now."""

    code = "transition-not-allowed"
    title = _("This step cannot be taken now")


class NotYours(NotAllowed):
    """The step exists, but for somebody else."""

    code = "transition-not-yours"
    status = 403
    title = _("This step is for someone else to take")


class Subject(Protocol):
    """What has a life: a row with a state, a table, and a history."""

    pk: Any
    state: str
    state_since: Any
    lifecycle: "Lifecycle"

    def refresh_from_db(self, *, from_queryset: Any = ...) -> None: ...
    def save(self, *, update_fields: Any = ...) -> None: ...


Guard = Callable[[Any, Actor], type_of_text]


def nothing_in_the_way(subject: Any, actor: Actor) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Transition:
    """One step that a subject can take.

    ``target`` None leaves the state as it is (a step worth an entry, such as
    the first of two approvals).  ``guard`` returns why the step must wait, or
    "" when it need not.  ``nudges`` name the sweeps to wake when it is done.
    ``needs_note``: it is refused without a person's note.
    """

    event: str
    sources: frozenset[str]
    target: str | None
    roles: frozenset[Role]
    guard: Guard = nothing_in_the_way
    nudges: tuple[str, ...] = ()
    needs_note: bool = False


@dataclass(frozen=True)
class Lifecycle:
    """A table of transitions over named states.

    ``states`` and ``events`` are the ``TextChoices`` whose labels people read.
    ``told_as`` names, for states that staff alone may know of, the state that
    everybody else is told instead.
    """

    name: str
    states: type[models.TextChoices]
    events: type[models.TextChoices]
    initial: str
    final: frozenset[str]
    transitions: tuple[Transition, ...]
    told_as: Mapping[str, str] = field(default_factory=dict)
    _index: dict[tuple[str, str], Transition] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for step in self.transitions:
            for source in step.sources:
                if (step.event, source) in self._index:
                    raise ValueError(f"{self.name}: two steps for {step.event} from {source}")
                self._index[step.event, source] = step

    def decide(self, subject: Subject, event: str, actor: Actor, note: str = "") -> Transition:
        """Return the step that ``event`` means for ``subject``, or say why not.

        Raises ``NotAllowed`` naming the first thing in the way: the state,
        then the actor's role (``NotYours``), then the guard, then the note.
        """
        step = self._index.get((event, subject.state))
        told = subject.state if actor.role in STAFF else self.told(subject.state)
        names = {"step": self.events(event).label, "state": self.states(told).label}
        if step is None:
            raise NotAllowed(
                gettext("“%(step)s” is not possible now: the state is “%(state)s”.") % names
            )
        if actor.role not in step.roles:
            raise NotYours(
                gettext("“%(step)s” is not a step for this role: %(role)s.")
                % {**names, "role": actor.role.label}
            )
        if reason := step.guard(subject, actor):
            raise NotAllowed(reason)
        if step.needs_note and not note.strip():
            raise NotAllowed(gettext("“%(step)s” needs a reason: write it in the note.") % names)
        return step

    def told(self, state: str) -> str:
        """``state`` as outsiders may know it."""
        return self.told_as.get(state, state)

    def steps_for(self, subject: Subject, actor: Actor) -> Iterator[tuple[Transition, str]]:
        """Yield the steps of ``actor``'s role from here, each with what is in its way.

        The second item is "" for a step that can be taken now; a page shows
        the others as *not yet*, with the reason.
        """
        for step in self.transitions:
            if subject.state in step.sources and actor.role in step.roles:
                yield step, str(step.guard(subject, actor))


class LivingModel(models.Model):
    """A row with a state; ``advance`` alone changes it."""

    state_since = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True


class AbstractEntry(models.Model):
    """One step in the life of a row.  Written once, never changed or deleted.

    A concrete history adds the ``subject`` foreign key (``related_name="entries"``).
    """

    event = models.CharField(max_length=40)
    source = models.CharField(max_length=20)
    target = models.CharField(max_length=20)
    role = models.CharField(max_length=20, choices=Role.choices)
    user = models.ForeignKey(
        "customers.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.TextField(blank=True)
    key = models.CharField(max_length=120, blank=True)
    happened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.event}: {self.source} → {self.target}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("An entry is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("An entry is never deleted.")

    @property
    def changed_state(self) -> bool:
        return self.source != self.target

    @classmethod
    def of(cls, subject: models.Model, **fields: Any) -> Self:
        return cls(subject=subject, **fields)


Effect = Callable[[Any, Any], None]


def advance(
    subject: Any,
    event: str,
    actor: Actor,
    *,
    note: str = "",
    key: str = "",
    effect: Effect | None = None,
    **details: Any,
) -> Any:
    """Take ``subject`` one step along its lifecycle and return the entry made.

    The row is locked and read afresh, so unsaved changes to ``subject`` are
    lost and two callers cannot take the same step twice.  The new state, the
    entry, ``effect(subject, entry)`` and the nudges commit together or not at
    all.  ``details`` are further columns of the subject's history table.

    ``key`` makes a retry safe: a second call with the same key returns the
    first call's entry and does nothing.

    Raises ``NotAllowed`` if the step is not open to ``actor``, and
    ``KeyReused`` if ``key`` came before with another event.
    """
    table: Lifecycle = subject.lifecycle
    with transaction.atomic():
        subject.refresh_from_db(from_queryset=type(subject)._default_manager.select_for_update())
        if key and (done := subject.entries.filter(key=key).first()):
            if done.event != event:
                raise KeyReused(gettext("This key has been used for another step."))
            return done
        step = table.decide(subject, event, actor, note)
        target = step.target or subject.state
        entry = subject.entries.create(
            event=event,
            source=subject.state,
            target=target,
            role=actor.role,
            user=actor.user,
            note=note.strip(),
            key=key,
            **details,
        )
        if target != subject.state:
            subject.state = target
            subject.state_since = entry.happened_at
            subject.save(update_fields=["state", "state_since"])
        if effect is not None:
            effect(subject, entry)
        for kind in step.nudges:
            queue.nudge(kind)
    return entry


def advance_all(
    rows: "models.QuerySet[Any]", event: str, actor: Actor, *, note: str = "", **columns: Any
) -> int:
    """Take all of ``rows`` one step along their lifecycle and return how many took it.

    For bulk work: the same table, locks, history and nudges as ``advance``, in
    a few statements for all of them.  Rows that cannot take the step stay as
    they are; ``NotYours`` is raised for a role that may not take it.
    ``columns`` are written to each row that moves.
    """
    with transaction.atomic():
        found = list(rows.order_by("pk").select_for_update(of=("self",)))
        steps = [(row, step) for row in found if (step := _open(row, event, actor, note))]
        _record(steps, actor, note.strip())
        for step in {step.target: step for _row, step in steps}.values():
            moved = [row.pk for row, its in steps if its.target == step.target]
            state = {"state": step.target, "state_since": timezone.now()} if step.target else {}
            for i in range(0, len(moved), BULK):
                some = rows.model._default_manager.filter(pk__in=moved[i : i + BULK])
                some.update(**state, **columns)
        for kind in {kind for _row, step in steps for kind in step.nudges}:
            queue.nudge(kind)
    return len(steps)


def _open(row: Any, event: str, actor: Actor, note: str) -> Transition | None:
    table: Lifecycle = row.lifecycle
    try:
        return table.decide(row, event, actor, note)
    except NotYours:
        raise
    except NotAllowed:
        return None


def _record(steps: "list[tuple[Any, Transition]]", actor: Actor, note: str) -> None:
    """Write the history of many steps at once."""
    if not steps:
        return
    history = type(steps[0][0])._meta.get_field("entries").related_model
    history._default_manager.bulk_create(
        [
            history(
                subject=row,
                event=step.event,
                source=row.state,
                target=step.target or row.state,
                role=actor.role,
                user=actor.user,
                note=note,
            )
            for row, step in steps
        ],
        batch_size=BULK,
    )


def state_field(states: type[models.TextChoices], initial: str) -> "models.CharField[str, str]":
    """The column that ``advance`` alone writes."""
    return models.CharField(max_length=20, choices=states.choices, default=initial, editable=False)


def known_state(states: type[models.TextChoices], name: str) -> models.CheckConstraint:
    """The database's own refusal of a state that the table does not know."""
    return models.CheckConstraint(condition=models.Q(state__in=states.values), name=name)
