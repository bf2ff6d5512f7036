"""The demo mailbox: files that are there whole or not at all, and a page that shows them."""

from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from mailroom import jobs, mailbox, tokens
from mailroom.mailbox import Backend
from tests.mailroom.factories import make_letter, read_again

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]


@pytest.fixture(autouse=True)
def demo(settings: Settings, tmp_path: Path) -> None:
    settings.POSTERN_DEMO = True
    settings.POSTERN_VAR = tmp_path
    settings.EMAIL_BACKEND = "mailroom.mailbox.Backend"


def page(client: Client, name: str = "") -> str:
    path = reverse("mailbox:letter", args=[name]) if name else reverse("mailbox:list")
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_a_letter_that_is_sent_lies_in_the_mailbox(client: Client) -> None:
    letter = make_letter(
        subject="Is this yours & mine?",
        template="tests/linked",
        link_path="/answer/{token}/",
        link_key="request:7",
    )

    jobs.sweep_letters()

    assert read_again(letter).status == "accepted"
    [name] = mailbox.names()
    assert "Is this yours &amp; mine?" in page(client)
    link = f"http://127.0.0.1:8000/answer/{tokens.token('request:7')}/"
    assert f'<a href="{link}">{link}</a>' in page(client, name)
    headers = mailbox.read(name).headers
    assert headers[0] == ("Return-Path", f"<{letter.envelope_sender}>")
    assert ("Delivered-To", "owner@hosting.example") in headers
    assert ("Auto-Submitted", "auto-generated") in headers


def test_an_empty_mailbox_says_so(client: Client) -> None:
    assert "No letter yet" in page(client)


def test_the_newest_letter_stands_first_and_long_lists_have_pages(client: Client) -> None:
    for number in range(30):
        make_letter(subject=f"Letter {number:02}")
    for _ in range(2):
        jobs.sweep_letters()

    first, second = page(client), client.get("/mailbox/?page=2").content.decode()

    subjects = [mailbox.read(name).subject for name in mailbox.names()]
    assert len(subjects) == 30
    assert subjects[0] in first
    assert first.count("owner@hosting.example") == 25
    assert second.count("owner@hosting.example") == 5
    assert 'href="?page=2"' in first
    assert 'href="?page=1"' in second
    for odd in ("0", "-1", "x", "99", "9" * 50):
        assert client.get("/mailbox/", {"page": odd}).status_code == 200


def test_only_links_to_our_own_pages_can_be_followed(client: Client) -> None:
    make_letter(
        text="<script>alert(1)</script> see https://evil.example/ and "
        "http://127.0.0.1:8000.evil.example/ and (http://127.0.0.1:8000/tickets/7/)."
    )
    jobs.sweep_letters()

    shown = page(client, mailbox.names()[0])

    own = "http://127.0.0.1:8000/tickets/7/"
    assert f'(<a href="{own}">{own}</a>).' in shown
    assert "evil.example/</a>" not in shown
    assert "<script>alert" not in shown


@pytest.mark.parametrize(
    "name", ["nothing", "..%2F..%2Fetc%2Fpasswd", "1234567890123456789-0123abcd", ".hidden"]
)
def test_what_is_not_there_is_not_found(client: Client, name: str) -> None:
    assert client.get(f"/mailbox/{name}/").status_code == 404


def test_the_page_changes_nothing_and_takes_nothing(client: Client) -> None:
    make_letter()
    jobs.sweep_letters()
    [name] = mailbox.names()
    path = mailbox.folder() / f"{name}.eml"
    before = (path.read_bytes(), path.stat().st_mtime_ns)

    for url in ("/mailbox/", f"/mailbox/{name}/"):
        assert client.head(url).status_code == client.get(url).status_code == 200
        assert client.post(url).status_code == 405

    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert "sessionid" not in client.cookies


def test_outside_demo_mode_there_is_no_mailbox(client: Client, settings: Settings) -> None:
    make_letter()
    jobs.sweep_letters()
    [name] = mailbox.names()
    settings.POSTERN_DEMO = False

    assert client.get("/mailbox/").status_code == 404
    assert client.get(f"/mailbox/{name}/").status_code == 404


def test_a_folder_that_takes_nothing_puts_the_letter_off(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    settings.POSTERN_VAR = tmp_path / "file"
    letter = make_letter()

    jobs.sweep_letters()

    assert read_again(letter).status == "deferred"


def test_it_is_a_backend_like_djangos() -> None:
    messages = [
        mail.EmailMessage("One", "Text", "a@mail.example", ["b@c.example", "d@e.example"]),
        mail.EmailMessage("Nobody", "Text", "a@mail.example", []),
        mail.EmailMultiAlternatives("Two", "Text", "a@mail.example", ["b@c.example"]),
    ]

    assert Backend().send_messages(messages) == 2
    assert [mailbox.read(name).subject for name in mailbox.names()] == ["Two", "One"]
    assert not list(mailbox.folder().glob(".*"))
    with pytest.raises(ValueError, match="newlines"):
        Backend().send_messages([mail.EmailMessage("a\nBcc: x@y.example", "", to=["b@c.example"])])
    assert len(mailbox.names()) == 2
