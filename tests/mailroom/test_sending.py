"""Letters on their way to a real mail server, whatever its manners."""

import socket
import time
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import Settings

from escalation.errors import Refused
from mailroom import actions, jobs
from mailroom.models import Letter
from tests.mailroom import backends
from tests.mailroom.factories import make_due, make_letter, read_again
from tests.mailroom.postoffice import PostOffice

pytestmark = pytest.mark.django_db

GREYLISTED = "450 4.2.0 Greylisted, come back in a minute"
UNKNOWN = "550 5.1.1 No such person here"


def nudges(kind: str) -> int:
    return sum(row.task["name"] == kind for row in OrmQ.objects.all())


def test_a_letter_arrives_and_its_row_says_so(post: PostOffice) -> None:
    letter = make_letter(nudge="cases")

    assert jobs.sweep_letters() == 1

    letter = read_again(letter)
    assert (letter.status, letter.due_at, letter.attempts) == ("accepted", None, 0)
    assert (letter.smtp_code, letter.smtp_reply) == (250, "2.0.0 Ok: queued as 4F1B2")
    assert nudges("cases") == 1
    assert post.taken[0].mail_from == letter.envelope_sender
    assert post.taken[0].rcpt_tos == ["owner@hosting.example"]


def test_a_letter_is_sent_once(post: PostOffice) -> None:
    make_letter()

    jobs.sweep_letters()
    jobs.sweep_letters()

    assert len(post.taken) == 1


def test_a_batch_goes_over_one_connection(post: PostOffice) -> None:
    for _ in range(5):
        make_letter()

    assert jobs.sweep_letters() == 5

    assert (len(post.taken), post.n_connections) == (5, 1)


def test_a_refused_recipient_is_known_at_once_and_stops_nobody_else(post: PostOffice) -> None:
    post.recipients["gone@hosting.example"] = UNKNOWN
    before, gone, after = (
        make_letter("one@hosting.example"),
        make_letter("gone@hosting.example", nudge="cases"),
        make_letter("two@hosting.example"),
    )

    jobs.sweep_letters()

    statuses = [read_again(letter).status for letter in (before, gone, after)]
    assert statuses == ["accepted", "refused", "accepted"]
    gone = read_again(gone)
    assert (gone.smtp_code, gone.smtp_reply) == (550, "5.1.1 No such person here")
    assert gone.due_at is None
    assert nudges("cases") == 1
    assert post.n_connections == 1


def test_a_text_that_the_server_refuses_is_refused(post: PostOffice) -> None:
    post.answer = "554 5.7.1 Rejected by content"
    letter = make_letter()

    jobs.sweep_letters()

    assert read_again(letter).status == "refused"


@pytest.mark.parametrize("where", ["recipient", "text"])
def test_a_greylisted_letter_comes_again(post: PostOffice, where: str) -> None:
    if where == "recipient":
        post.recipients["owner@hosting.example"] = GREYLISTED
    else:
        post.answer = GREYLISTED
    letter = make_letter(nudge="cases")

    jobs.sweep_letters()

    letter = read_again(letter)
    assert (letter.status, letter.attempts) == ("deferred", 1)
    assert (letter.smtp_code, letter.smtp_reply) == (450, GREYLISTED[4:])
    assert letter.due_at is not None
    assert timedelta(seconds=50) < letter.due_at - timezone.now() < timedelta(seconds=61)
    assert nudges("cases") == 0

    post.recipients.clear()
    post.answer = "250 OK"
    make_due(letter)
    jobs.sweep_letters()

    assert read_again(letter).status == "accepted"


def test_pauses_between_attempts_grow(post: PostOffice) -> None:
    post.answer = GREYLISTED
    letter = make_letter()
    waits = []

    for _ in range(4):
        jobs.sweep_letters()
        due_at = read_again(letter).due_at
        assert due_at is not None
        waits.append(round((due_at - timezone.now()).total_seconds()))
        make_due(letter)

    assert waits == [60, 300, 1800, 7200]


@pytest.mark.parametrize("answer", ["530 5.7.0 Authentication required", "550 5.7.1 Not you"])
def test_a_server_that_refuses_us_says_nothing_of_the_recipient(
    post: PostOffice, answer: str
) -> None:
    post.sender_answer = answer
    letter = make_letter()

    jobs.sweep_letters()

    letter = read_again(letter)
    assert (letter.status, letter.smtp_code) == ("deferred", int(answer[:3]))


def test_a_server_that_wants_a_log_in_for_a_recipient_is_our_trouble(post: PostOffice) -> None:
    post.recipients["owner@hosting.example"] = "530 5.7.0 Authentication required"
    letter = make_letter()

    jobs.sweep_letters()

    assert read_again(letter).status == "deferred"


def test_a_closing_server_is_called_anew_for_the_next_letter(post: PostOffice) -> None:
    post.recipients["busy@hosting.example"] = "421 4.3.2 Closing"
    busy, other = make_letter("busy@hosting.example"), make_letter("other@hosting.example")

    jobs.sweep_letters()

    assert (read_again(busy).status, read_again(other).status) == ("deferred", "accepted")
    assert post.n_connections == 2


def test_a_server_that_hangs_costs_its_time_and_no_letter(
    post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.hang = 30
    monkeypatch.setattr("escalation.owed.BUDGET", 2.0)
    letters = [make_letter() for _ in range(4)]

    began = time.monotonic()
    n_begun = jobs.sweep_letters()

    assert time.monotonic() - began < post.hang
    assert 1 <= n_begun < 4
    rows = [read_again(letter) for letter in letters]
    assert [row.attempts for row in rows] == [1] * n_begun + [0] * (4 - n_begun)
    assert all(row.lease_token is None and row.due_at is not None for row in rows)
    assert "timed out" in rows[0].last_error.lower()


def test_a_connection_that_drops_after_the_text_brings_the_same_mail_again(
    post: PostOffice,
) -> None:
    post.drop = True
    letter, other = make_letter(), make_letter("other@hosting.example")

    jobs.sweep_letters()

    assert read_again(letter).status == read_again(other).status == "deferred"
    assert len(post.taken) == 2

    post.drop = False
    make_due(letter, other)
    jobs.sweep_letters()

    assert read_again(letter).status == "accepted"
    assert post.taken[2].content == post.taken[0].content


def test_no_server_at_all(post: PostOffice, settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = free.getsockname()[1]
    letters = [make_letter(), make_letter()]

    assert jobs.sweep_letters() == 2

    for letter in letters:
        assert "refused" in read_again(letter).last_error
        assert read_again(letter).status == "deferred"


def test_a_backend_that_sends_nothing_has_not_sent(post: PostOffice, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "tests.mailroom.backends.TakesNothing"
    letter = make_letter()

    jobs.sweep_letters()

    assert read_again(letter).status == "deferred"


def test_any_backend_of_djangos_will_do(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    letter = make_letter()

    jobs.sweep_letters()

    letter = read_again(letter)
    assert (letter.status, letter.smtp_code, letter.smtp_reply) == ("accepted", None, "")


@pytest.mark.django_db(transaction=True)
def test_killed_between_acceptance_and_commit_sends_the_same_mail_again(
    post: PostOffice, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "tests.mailroom.backends.DiesAfterAcceptance"
    letter = make_letter(text="민지 & 준")
    with pytest.raises(backends.Killed):
        jobs.sweep_letters()
    assert (read_again(letter).status, read_again(letter).attempts) == ("queued", 1)
    settings.EMAIL_BACKEND = "mailroom.smtp.Backend"

    assert jobs.sweep_letters() == 0  # the dead worker's lease holds
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        assert jobs.sweep_letters() == 1

    assert read_again(letter).status == "accepted"
    first, second = post.taken
    assert first.content == second.content
    assert post.mail()["Message-ID"] == letter.message_id


@pytest.mark.django_db(transaction=True)
def test_who_lost_the_lease_records_nothing(post: PostOffice, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "tests.mailroom.backends.LosesTheLease"
    letter = make_letter(nudge="cases")

    jobs.sweep_letters()

    letter = read_again(letter)
    assert (letter.accepted_at, letter.smtp_reply) == (None, "")
    assert nudges("cases") == 0


@pytest.mark.django_db(transaction=True)
def test_the_server_is_never_waited_for_inside_a_transaction(
    post: PostOffice, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "tests.mailroom.backends.NotesTransactions"
    backends.NotesTransactions.inside.clear()
    make_letter()

    jobs.sweep_letters()

    assert backends.NotesTransactions.inside == [False, False]


def test_a_letter_is_given_up_after_its_attempts_and_the_operator_hears_of_it_once(
    post: PostOffice,
) -> None:
    post.answer = GREYLISTED
    letters = [make_letter(nudge="cases"), make_letter("other@hosting.example")]
    jobs.sweep_letters()
    Letter.objects.update(attempts=jobs.ATTEMPTS)
    make_due(*letters)
    post.answer = "250 OK"

    jobs.sweep_letters()

    assert [read_again(letter).status for letter in letters] == ["parked", "parked"]
    assert nudges("cases") == 1
    alert = Letter.objects.get(kind=Letter.ALERT)
    assert alert.recipient == "postmaster@mail.example"
    assert "Greylisted" in " ".join(alert.body.split())
    assert "/desk/mailroom/letter/?is=parked" in alert.body


def test_an_alert_that_cannot_be_sent_raises_no_alert(post: PostOffice) -> None:
    letter = make_letter(kind=Letter.ALERT)
    Letter.objects.update(attempts=jobs.ATTEMPTS)

    jobs.sweep_letters()

    assert read_again(letter).status == "parked"
    assert Letter.objects.count() == 1


def test_a_cancelled_letter_is_not_sent(post: PostOffice) -> None:
    letter = make_letter()

    assert actions.cancel(letter) is True
    jobs.sweep_letters()

    assert post.taken == []
    assert read_again(letter).status == "cancelled"
    assert actions.cancel(letter) is False


def test_a_letter_cancelled_after_it_was_claimed_is_not_sent(
    post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_letter(), make_letter()
    settle = actions.settle

    def settle_and_cancel_the_other(letter: Letter, **answer: object) -> None:
        settle(letter, **answer)  # type: ignore[arg-type]
        actions.cancel(second)

    monkeypatch.setattr(actions, "settle", settle_and_cancel_the_other)

    jobs.sweep_letters()

    assert len(post.taken) == 1
    assert (read_again(first).status, read_again(second).status) == ("accepted", "cancelled")
    assert read_again(second).due_at is None


def test_what_was_accepted_while_it_was_cancelled_says_accepted(
    post: PostOffice, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "tests.mailroom.backends.IsCancelledMeanwhile"
    letter = make_letter()

    jobs.sweep_letters()

    assert read_again(letter).status == "accepted"


def test_a_letter_for_later_waits(post: PostOffice) -> None:
    in_three_days = timezone.now() + timedelta(days=3)
    make_letter(due_at=in_three_days)
    assert nudges("letters") == 0

    assert jobs.sweep_letters() == 0
    with time_machine.travel(in_three_days + timedelta(minutes=1)):
        assert jobs.sweep_letters() == 1

    date = post.mail()["Date"].datetime
    assert abs(date - in_three_days) < timedelta(minutes=5)


def test_a_refused_letter_can_be_sent_again(post: PostOffice) -> None:
    post.recipients["owner@hosting.example"] = UNKNOWN
    letter = make_letter()
    with pytest.raises(Refused, match="waits"):
        actions.send_again(letter)
    jobs.sweep_letters()
    post.recipients.clear()

    actions.send_again(letter)
    jobs.sweep_letters()

    assert read_again(letter).status == "accepted"
    with pytest.raises(Refused, match="not sent twice"):
        actions.send_again(letter)
