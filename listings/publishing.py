"""The life of a publication: asked for, begun, published or held, proved."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation import queue
from escalation.actors import Actor, Role
from escalation.errors import Refused, TryAgainLater
from escalation.owed import finish, owe
from escalation.prefixes import Prefix
from listings import cells, sinks
from listings.editions import Edition
from listings.models import Change, Publication, Receipt, Sink
from listings.notations import Notation
from mailroom import alerts

HEARTBEAT = timedelta(hours=12)  # a list that does not change is published this often
STUCK = timedelta(minutes=10)  # then another serial is tried
FRESH = timedelta(seconds=30)
LOOK_AGAIN = timedelta(seconds=10)  # after a sink that did not serve the serial yet
TRIES = 5  # to be the one that makes, or else joins, the waiting publication
FIRST_SINK = "plain feed"


class NotHeld(Refused):
    """There is nothing to release."""

    code = "publication-not-held"
    title = gettext_lazy("This publication is not held")


def require_transaction() -> None:
    """A change to the list and the serial promised for it must commit together."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("Change the list inside transaction.atomic().")


def ask(changed: Iterable[Prefix]) -> int:
    """Return the serial that will have what this transaction ``changed``, and wake the sweep.

    It joins the waiting publication or makes one, and keeps it from beginning
    until the transaction ends.  Call it after the locks on listings.  A prefix
    that is not named here stays in the feeds as it was.
    """
    require_transaction()
    for _try in range(TRIES):
        waiting = Publication.objects.waiting().select_for_update().first() or _new()
        if waiting is not None:
            if waiting.parked_at:
                owe(waiting)
            note_changed(waiting.serial, changed)
            queue.nudge("publications")
            return waiting.serial
    raise TryAgainLater("No publication could be joined.")


def note_changed(serial: int, changed: Iterable[Prefix]) -> None:
    """Say that these prefixes differ from ``serial`` on, for a caller of ``ask`` that has it."""
    Change.objects.bulk_create(
        [Change(serial=serial, cell=name) for name in sorted(cells.names(changed))],
        ignore_conflicts=True,
        batch_size=5000,
    )


def _new() -> Publication | None:
    """A new waiting publication, None if somebody else has made one meanwhile."""
    try:
        with transaction.atomic():
            return Publication.objects.create(due_at=timezone.now())
    except IntegrityError:
        return None


def make_first_sink() -> None:
    """A plain feed where there is no sink yet; in the demo anybody may read it."""
    if not Sink.objects.exists():
        first = {"kind": "plain", "is_open": settings.POSTERN_DEMO}
        Sink.objects.get_or_create(name=FIRST_SINK, defaults=first)


def keep_fresh() -> None:
    """Make the first sink and publication, and a new one where the last is old or stuck."""
    make_first_sink()
    newest = Publication.objects.order_by("-serial").first()
    if newest is None or _wants_another(newest):
        with transaction.atomic():
            ask([])


def _wants_another(newest: Publication) -> bool:
    """Whether the list is old, or the newest serial gets nowhere (a held one only waits)."""
    age = timezone.now() - newest.asked_at
    is_owed = newest.due_at is not None or newest.parked_at is not None
    return age > HEARTBEAT or (age > STUCK and is_owed)


def begin(publication: Publication) -> None:
    """Close it to further changes.  The row lock waits for those that are under way."""
    with transaction.atomic():
        row = Publication.objects.select_for_update().get(pk=publication.pk)
        if row.begun_at is None:
            row.begun_at = timezone.now()
            row.save(update_fields=["begun_at"])


def wait_for_released(publication: Publication) -> None:
    """Let an earlier serial go first that an agent has released: it counts as what is out."""
    released = Publication.objects.unpublished().filter(released_at__isnull=False)
    if released.filter(serial__lt=publication.serial, parked_at=None).exists():
        raise TryAgainLater("An earlier serial has been released and goes first.", after=5)


def overtaken(publication: Publication) -> bool:
    """Whether a later serial is out, which has all that this one has."""
    return Publication.objects.published().filter(serial__gt=publication.serial).exists()


def drop(publication: Publication) -> None:
    """Let go of a serial that a later one has overtaken."""
    with transaction.atomic():
        finish(publication)
        _supersede(publication)


def _supersede(later: Publication) -> None:
    """No serial up to ``later`` needs to come out any more, if it has not."""
    older = Publication.objects.unpublished().filter(serial__lte=later.serial)
    older.update(superseded_at=timezone.now(), due_at=None, parked_at=None)


def notations() -> list[Notation]:
    """The notations that the enabled sinks want the list in."""
    return [sinks.KINDS[kind].NOTATION for kind in _kinds()]


def _kinds() -> list[str]:
    """The kinds of the enabled sinks, as far as there is code for them."""
    enabled = Sink.objects.filter(enabled=True).order_by("kind")
    found = enabled.values_list("kind", flat=True).distinct()
    return [kind for kind in found if kind in sinks.KINDS]


def is_fresh(publication: Publication) -> bool:
    """Whether it came out so lately that sinks may well be about to take it."""
    out = publication.published_at
    return out is not None and timezone.now() - out < FRESH


def publish(publication: Publication, edition: Edition) -> None:
    """Give every enabled sink the edition, and note that it is out.

    Sinks prepare beside what they serve and switch inside the transaction,
    under a lock that all publications share: a sink never goes back.
    """
    kinds = _kinds()
    for kind in kinds:
        sinks.KINDS[kind].prepare(edition)
    with transaction.atomic():
        # Before the row itself: who has this lock marks the rows of earlier serials.
        list(Sink.objects.select_for_update(no_key=True).order_by("pk"))
        finish(publication, due_at=timezone.now())
        if overtaken(publication):
            _supersede(publication)
            return
        for kind in kinds:
            sinks.KINDS[kind].switch(edition)
        _note(publication, edition, published_at=timezone.now())
        _supersede(publication)


def hold(publication: Publication, edition: Edition, why: str) -> None:
    """Keep the edition back until an agent releases it, and alert the operator once."""
    with transaction.atomic():
        finish(publication)
        earlier = Publication.objects.held().exclude(pk=publication.pk).first()
        now = timezone.now()
        since = earlier.held_at if earlier else now
        _note(publication, edition, held_at=since, held_why=why)
        if earlier is None:
            alerts.alert(
                f"publication-held:{publication.serial}",
                _("The list is held at serial %d") % publication.serial,
                _(
                    "%(why)s\n\nThe mail servers keep the list they have. Look at the "
                    "publications at the desk: release it if the change is meant."
                )
                % {"why": why},
            )
        else:
            before = Publication.objects.held().filter(serial__lt=publication.serial)
            before.update(superseded_at=now)


def _note(publication: Publication, edition: Edition, **moments: object) -> None:
    Publication.objects.filter(pk=publication.pk).update(
        n_listings=edition.n_listings,
        n_prefixes=edition.n_prefixes,
        sha256=edition.sha256,
        **moments,
    )


def record(publication: Publication, proofs: dict[Sink, str], failures: dict[Sink, str]) -> None:
    """Write the receipts; when every sink has proved the serial, wake who waits for that."""
    again = timezone.now() + LOOK_AGAIN if failures else None
    with transaction.atomic():
        finish(publication, due_at=again)
        for sink, proof in proofs.items():
            Receipt.objects.get_or_create(
                sink=sink, publication=publication, defaults={"proof": proof[:300]}
            )
            Sink.objects.filter(pk=sink.pk).exclude(trouble="").update(
                trouble="", trouble_since=None
            )
        for sink, words in failures.items():
            in_trouble = Sink.objects.filter(pk=sink.pk)
            in_trouble.filter(trouble_since=None).update(trouble_since=timezone.now())
            in_trouble.update(trouble=words[:500])
        if failures:
            said = "; ".join(f"{sink}: {words}" for sink, words in failures.items())
            Publication.objects.filter(pk=publication.pk).update(last_error=said[:500])
        else:
            queue.nudge("listings")
            queue.nudge("cases")
            queue.nudge("delistings")


def release(publication: Publication, *, actor: Actor, note: str = "") -> None:
    """Let a held serial out after all.  Raises ``NotHeld`` with words."""
    if actor.role != Role.AGENT:
        raise Refused(_("Only an agent may release a held list."))
    with transaction.atomic():
        row = Publication.objects.select_for_update().get(pk=publication.pk)
        if not row.is_held:
            raise NotHeld(_why_not_held(row))
        row.released_at, row.released_by = timezone.now(), actor.user
        row.release_note = note.strip()[:200]
        row.save(update_fields=["released_at", "released_by", "release_note"])
        owe(row)
        queue.nudge("publications")


def _why_not_held(publication: Publication) -> str:
    names = {"serial": publication.serial}
    if publication.published_at:
        return _("Serial %(serial)d is out already.") % names
    if publication.superseded_at:
        return _("A later serial has taken the place of %(serial)d: look at that one.") % names
    return _("Serial %(serial)d is not held.") % names
