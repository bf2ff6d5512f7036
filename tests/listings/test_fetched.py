"""The request log: which serial a sink has fetched with its token, and when."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from escalation import queue
from escalation.errors import TryAgainLater
from listings import housekeeping, lateness, queries
from listings.models import Change, Fetch, Publication, Receipt, Sink
from listings.sinks import fetched
from mailroom.models import Letter
from tests.listings.factories import make_listing, publish

pytestmark = pytest.mark.django_db
MAP = "/feeds/rspamd/"


@pytest.fixture
def rspamd(db: None) -> Sink:
    Sink.objects.create(name="plain feed", kind="plain")
    return Sink.objects.create(name="scores", kind="rspamd")


@pytest.fixture
def headers(rspamd: Sink) -> dict[str, str]:
    token = fetched.make_token(rspamd)
    rspamd.refresh_from_db()
    make_listing("198.51.100.7")
    publish()
    return {"Authorization": f"Bearer {token}"}


def newest() -> Publication:
    return Publication.objects.published().latest("serial")


def look_again() -> None:
    Publication.objects.published().update(due_at=timezone.now())
    queue.run("publications")


def test_only_a_hash_of_the_token_is_kept(rspamd: Sink) -> None:
    token = fetched.make_token(rspamd)

    assert token not in str(Sink.objects.filter(pk=rspamd.pk).values())
    assert len(token) > 40


def test_a_sink_that_never_asked_owes_its_receipt_in_words(
    rspamd: Sink, headers: dict[str, str]
) -> None:
    rspamd.refresh_from_db()

    assert rspamd.trouble == "it has never fetched the list with its token"
    assert queries.sinks_behind(newest().serial) == ["scores"]


def test_what_it_fetches_is_its_receipt_with_the_time(
    rspamd: Sink, headers: dict[str, str], client: Client
) -> None:
    before = queue.waiting()
    client.get(MAP, headers=headers).getvalue()
    assert queue.waiting() == before + 1  # the sweep that waits for it
    look_again()

    receipt = Receipt.objects.get(sink=rspamd)
    assert receipt.publication == newest()
    assert f"fetched serial {newest().serial} at " in receipt.proof
    assert "from 127.0.0.1" in receipt.proof
    rspamd.refresh_from_db()
    assert (rspamd.trouble, rspamd.trouble_since) == ("", None)


def test_a_head_asks_and_holds_nothing_but_304_tells_that_it_holds(
    rspamd: Sink, headers: dict[str, str], client: Client
) -> None:
    etag = client.head(MAP, headers=headers).headers["ETag"]
    assert Fetch.objects.get().held_at is None
    look_again()
    assert not Receipt.objects.filter(sink=rspamd).exists()

    client.head(MAP, headers={**headers, "If-None-Match": etag})

    log = Fetch.objects.get()
    assert log.held_at is not None
    assert log.requests == 2


def test_an_older_serial_is_named_with_when_it_last_asked(
    rspamd: Sink, headers: dict[str, str], client: Client
) -> None:
    client.get(MAP, headers=headers).getvalue()
    old = newest().serial
    make_listing("198.51.100.8")
    publish()

    with pytest.raises(TryAgainLater, match=f"holds serial {old}, and asked last at"):
        fetched.prove(rspamd, newest())


def test_an_address_that_the_client_claims_is_not_believed(
    headers: dict[str, str], client: Client
) -> None:
    client.get(MAP, headers={**headers, "X-Forwarded-For": "203.0.113.1"}).getvalue()

    assert Fetch.objects.get().address == "127.0.0.1"


def test_a_proxy_without_an_address_is_none(headers: dict[str, str], client: Client) -> None:
    client.get(MAP, headers=headers, REMOTE_ADDR="").getvalue()

    assert Fetch.objects.get().address is None


def test_an_open_feed_keeps_no_log_of_strangers(headers: dict[str, str], client: Client) -> None:
    Sink.objects.filter(kind="plain").update(is_open=True)

    client.get("/feeds/plain/").getvalue()

    assert not Fetch.objects.exists()


def test_the_log_is_bounded(rspamd: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "KEPT", 3)
    for serial in range(1, 7):
        fetched.note(rspamd, serial, holds=True, address=None)
    Fetch.objects.filter(serial=6).update(asked_at=timezone.now() - timedelta(days=200))

    assert fetched.forget() == 4
    assert sorted(Fetch.objects.values_list("serial", flat=True)) == [4, 5]


def test_changes_are_forgotten_when_no_publication_can_need_them(
    headers: dict[str, str],
) -> None:
    assert Change.objects.exists()
    assert housekeeping.forget() == 0

    with time_machine.travel(timezone.now() + timedelta(days=3)):
        publish()
        make_listing("198.51.100.9")
        publish()
        assert housekeeping.forget_changes() > 0
        assert Change.objects.count() == 1


# -- Falling behind, falling silent -----------------------------------------------------


def alerts() -> list[str]:
    return list(Letter.objects.filter(key__contains="sink-").values_list("body", flat=True))


def test_a_sink_that_falls_behind_is_told_of_once_and_again_after_it_recovered(
    rspamd: Sink, headers: dict[str, str], client: Client
) -> None:
    client.get(MAP, headers=headers).getvalue()
    look_again()
    for n in (1, 2):
        with time_machine.travel(timezone.now() + timedelta(minutes=25 * n)):
            make_listing(f"203.0.113.{n}")
            publish()
            with time_machine.travel(timezone.now() + timedelta(minutes=11)):
                look_again()
                look_again()
            assert len(alerts()) == n
            assert "scores has proved serial" in alerts()[-1]
            assert "asked last" in alerts()[-1]
            client.get(MAP, headers=headers).getvalue()
            look_again()
            assert lateness.standings()[1].words() == ""


def test_a_sink_that_stops_asking_is_told_of_though_it_holds_the_list(
    rspamd: Sink, headers: dict[str, str], client: Client
) -> None:
    client.get(MAP, headers=headers).getvalue()
    look_again()

    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        look_again()
        look_again()

    (letter,) = alerts()
    assert "scores has stopped asking" in letter


def test_a_sink_without_a_token_is_never_silent(rspamd: Sink) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        standing = next(one for one in lateness.standings() if one.sink.kind == "plain")
        assert not standing.is_silent


def test_a_new_sink_has_its_time_before_it_is_late(rspamd: Sink, headers: dict[str, str]) -> None:
    publish()
    (late,) = [one for one in lateness.standings() if one.sink == rspamd]

    assert not late.is_late
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert late.is_late
