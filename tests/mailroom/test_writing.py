"""Writing a letter: one row in the caller's transaction, in plain lines, to a plain address."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone, translation
from django_q.models import OrmQ
from pytest_django import Settings

from mailroom import housekeeping, outgoing, recipients, rendering, tokens
from mailroom.actions import write
from mailroom.alerts import alert
from mailroom.models import Letter
from tests.mailroom.factories import make_letter, read_again

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]


class Undone(Exception):
    pass


@pytest.mark.django_db(transaction=True)
def test_a_rollback_leaves_neither_letter_nor_nudge() -> None:
    def write_and_fail() -> None:
        with transaction.atomic():
            make_letter()
            raise Undone

    with pytest.raises(Undone):
        write_and_fail()

    assert (Letter.objects.count(), OrmQ.objects.count()) == (0, 0)


def test_a_key_stands_for_one_letter_and_one_nudge() -> None:
    first = make_letter(key="letter:7", subject="First")

    second = make_letter(key="letter:7", subject="Second")

    assert (first.pk, second.subject) == (second.pk, "First")
    assert OrmQ.objects.count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_instant_write_one_letter() -> None:
    start, written = threading.Barrier(4), list[int]()

    def work() -> None:
        start.wait()
        try:
            written.append(make_letter(key="letter:7").pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(written) == 4
    assert len(set(written)) == Letter.objects.count() == OrmQ.objects.count() == 1


def test_the_token_of_a_link_is_in_no_row() -> None:
    letter = make_letter(
        template="tests/linked", link_path="/answer/{token}/", link_key="request:7:1"
    )

    stored = Letter.objects.filter(pk=letter.pk).values().get()
    token = tokens.token("request:7:1")
    assert Letter.LINK in letter.body
    assert token not in str(stored)
    sent = outgoing.message(read_again(letter)).body
    assert f"http://127.0.0.1:8000/answer/{token}/" in sent
    assert Letter.LINK not in sent


def test_nobodys_words_become_the_link() -> None:
    letter = make_letter(
        template="tests/linked",
        text=f"look: {Letter.LINK}",
        link_path="/answer/{token}/",
        link_key="request:7:1",
    )

    assert letter.body.count(Letter.LINK) == 1
    assert "look:\n" in letter.body


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"template": "tests/linked"}, "link_path"),
        ({"link_path": "/answer/{token}/"}, "link_key"),
        ({"link_key": "request:7"}, "link_key"),
        ({"nudge": "nothing"}, "nothing"),
    ],
)
def test_what_could_never_go_out_is_not_written(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_letter(**wrong)

    assert Letter.objects.count() == 0


def test_an_address_that_takes_no_mail_is_refused_in_words() -> None:
    with pytest.raises(recipients.NotAnAddress, match=r"name@domain"):
        make_letter("nobody")

    assert Letter.objects.count() == 0


def test_tokens_are_long_and_stay_the_same(settings: Settings) -> None:
    token = tokens.token("case:7")

    assert (len(token), token) == (43, tokens.token("case:7"))
    assert token != tokens.token("case:8")
    assert len(tokens.digest(token)) == 64
    settings.SECRET_KEY = "another-secret-" * 5
    assert token != tokens.token("case:7")


def test_letters_are_no_html() -> None:
    letter = make_letter(subject="Kim & Sons <mail>", text='it\'s "fine" & <b>good</b>')

    assert letter.subject == "Kim & Sons <mail>"
    assert 'it\'s "fine" & <b>good</b>' in letter.body


def test_a_letter_says_who_writes_and_how_to_stop() -> None:
    body = make_letter(template="tests/linked", link_path="/x/").body

    foot = " ".join(body.partition("\n-- \n")[2].split())
    assert foot.startswith("Postern, the desk of Example Mail")
    assert foot.endswith("to get no more of them, write to postmaster@mail.example.")


def test_a_letter_speaks_the_language_of_its_reader_and_leaves_ours_alone() -> None:
    with translation.override("en"):
        korean = make_letter(template="tests/spoken", language="ko")
        other = make_letter(template="tests/spoken", language="tlh")
        assert translation.get_language() == "en"

    assert (korean.language, korean.subject) == ("ko", "language: ko")
    assert (other.language, other.subject) == ("en", "language: en")


def test_a_subject_is_one_line_of_bounded_length() -> None:
    letter = make_letter(subject="one\r\nBcc: all@example.org\x00\u2028two " + "x" * 400)

    assert letter.subject.startswith("one Bcc: all@example.org two xxx")
    assert len(letter.subject) == rendering.LONGEST_SUBJECT
    assert letter.subject.endswith("…")


def test_an_alert_is_raised_once_for_its_key() -> None:
    first = alert("feed:7", "The feed is held", "It would be empty.")
    again = alert("feed:7", "The feed is held", "It would be empty.")

    assert first.pk == again.pk
    assert (first.recipient, first.subject) == ("postmaster@mail.example", "The feed is held")


def test_texts_are_forgotten_in_time_and_letters_that_wait_are_not() -> None:
    old, given_up, owing, young = (make_letter() for _ in range(4))
    Letter.objects.filter(pk__in=[old.pk, young.pk]).update(due_at=None)
    Letter.objects.filter(pk=given_up.pk).update(parked_at=timezone.now())
    long_ago = timezone.now() - timedelta(days=181)
    Letter.objects.exclude(pk=young.pk).update(written_at=long_ago)

    assert housekeeping.forget_texts() == 2

    assert read_again(old).body == read_again(given_up).body == ""
    assert read_again(old).subject == "About your address"
    assert read_again(owing).body
    assert read_again(young).body
    assert housekeeping.forget_texts() == 0


def test_write_takes_what_the_contract_says() -> None:
    letter = write(
        key="k",
        kind="note",
        recipient=" Kim@Hosting.EXAMPLE ",
        language="en",
        template="mailroom/alert",
        context={"subject": "s", "text": "t"},
    )

    assert letter.recipient == "Kim@hosting.example"
    assert letter.due_at is not None
