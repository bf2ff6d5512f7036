"""The sweeps of the list: what has expired, what must be published, what is proved."""

from time import monotonic, sleep

from escalation import owed, queue
from escalation.errors import TryAgainLater
from listings import actions, feed_guard, lateness, publishing, queries, sinks
from listings.editions import spooled
from listings.models import Publication, Sink
from listings.sinks import push
from mailroom import alerts

WORST = 30.0  # seconds to publish or to read back a million prefixes, with room to spare
CHECKED = 50  # changed prefixes of each kind that a receipt looks for
SETTLING = 8.0  # seconds that a new list may take to arrive before a sweep leaves it to the next
PAUSE = 0.5  # seconds between two looks in that time


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
    lateness.tell()
    return n


def publish(publication: Publication) -> None:
    if publishing.overtaken(publication):
        publishing.drop(publication)
        return
    publishing.begin(publication)
    publishing.wait_for_released(publication)
    with spooled(publication.serial, publishing.notations()) as edition:
        last = Publication.objects.published().order_by("-serial").first()
        why = "" if publication.released_at else feed_guard.why_held(edition, last)
        if why:
            publishing.hold(publication, edition, why)
        else:
            publishing.publish(publication, edition)


def prove(publication: Publication) -> None:
    """Ask every sink that owes a receipt; one that has just been told gets a little time."""
    if publishing.overtaken(publication):
        publishing.record(publication, {}, {})
        return
    expected = queries.expected_verdicts(publication, CHECKED)
    owing = list(Sink.objects.filter(enabled=True).exclude(receipts__publication=publication))
    proofs: dict[Sink, str] = {}
    failures: dict[Sink, str] = {}
    end = monotonic() + (SETTLING if publishing.is_fresh(publication) else 0)
    while owing:
        for sink in owing:
            failures.pop(sink, None)
            try:
                proofs[sink] = _prove(sink, publication, expected)
            except TryAgainLater as error:
                failures[sink] = str(error)
        owing = [sink for sink in failures if sink.server]  # the others come by themselves
        if not owing or monotonic() + PAUSE > end:
            break
        sleep(PAUSE)
    publishing.record(publication, proofs, failures)


def _prove(sink: Sink, publication: Publication, expected: sinks.Expected) -> str:
    if (kind := sinks.KINDS.get(sink.kind)) is None:
        raise TryAgainLater(f"there is no kind of sink “{sink.kind}”")
    if sink.push and (sink.pushed_serial or 0) < publication.serial:
        push.run(sink, publication)
        sink.pushed_serial = publication.serial
        sink.save(update_fields=["pushed_serial"])
    return kind.read_back(sink, publication, expected)
