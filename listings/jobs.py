"""The sweeps of the list: what has expired, what must be published, what is proved."""

from time import monotonic

from escalation import owed, queue
from escalation.errors import TryAgainLater
from listings import actions, feed_guard, publishing, queries, sinks
from listings.editions import spooled
from listings.models import Publication, Sink
from mailroom import alerts

WORST = 30.0  # seconds to publish or to read back a million prefixes, with room to spare
CHECKED = 100  # changed prefixes of each kind that a receipt looks for


def sweep_listings() -> int:
    """Remove what has expired; end what every sink has let go."""
    with owed.lasting("listings"):
        expired, gone = actions.expire(), actions.confirm_gone()
        if actions.BATCH in (expired, gone):
            queue.nudge("listings")
    return expired + gone


def sweep_publications() -> int:
    """Read back what is out, publish the serials that are due, and read those back.

    A long list may leave no time for all three: another sweep goes on.
    """
    begun, n = monotonic(), 0
    publishing.keep_fresh()
    out = Publication.objects.filter(published_at__isnull=False)
    waiting = Publication.objects.filter(published_at=None)
    for rows, work in ((out, prove), (waiting, publish), (out, prove)):
        if monotonic() - begun > owed.BUDGET - WORST:
            queue.nudge("publications")
            break
        n += owed.work_through("publications", rows, work, worst=WORST, parked=alerts.given_up)
    return n


def publish(publication: Publication) -> None:
    if publishing.overtaken(publication):
        publishing.drop(publication)
        return
    publishing.begin(publication)
    publishing.wait_for_released(publication)
    with spooled(publication.serial) as edition:
        last = Publication.objects.published().order_by("-serial").first()
        why = "" if publication.released_at else feed_guard.why_held(edition, last)
        if why:
            publishing.hold(publication, edition, why)
        else:
            publishing.publish(publication, edition)


def prove(publication: Publication) -> None:
    if publishing.overtaken(publication):
        publishing.record(publication, {}, [])
        return
    since = queries.proved_serial() or 0
    changed = queries.changed_prefixes(since, publication, CHECKED)
    expected = [(prefix, queries.touches(prefix)) for prefix in changed]
    proofs, failures = {}, []
    for sink in Sink.objects.filter(enabled=True).exclude(receipts__publication=publication):
        try:
            proofs[sink] = sinks.KINDS[sink.kind].read_back(publication, expected)
        except TryAgainLater as error:
            failures.append(f"{sink}: {error}")
    publishing.record(publication, proofs, failures)
