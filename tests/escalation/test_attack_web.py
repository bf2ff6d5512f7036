"""Attacks on the web server: headers on every answer, large bodies, secrets in the log."""

import io
import logging
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from customers.models import User
from escalation.logs import MaskTokens

pytestmark = pytest.mark.django_db

MIB = 1024 * 1024
GUARDS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "",
    "Permissions-Policy": "camera=()",
}


@pytest.mark.parametrize(
    "path",
    [
        "/", "/nowhere/", "/tickets/", "/account/login/", "/desk/", "/feeds/plain/", "/healthz/",
        "/case/guessed/", "/answer/guessed/", "/api/v1/tickets/", "/api/schema/", "/static/no.css",
        "/mailbox/", "/language/",
    ],
)  # fmt: skip
def test_every_answer_has_its_guards(client: Client, path: str) -> None:
    answer = client.get(path)

    for name, words in GUARDS.items():
        assert words in answer.headers[name], name


def test_an_answer_to_a_foreign_host_name_has_its_guards(client: Client) -> None:
    answer = client.get("/", headers={"host": "evil.example"})

    assert answer.status_code == 400
    for name in GUARDS:
        assert name in answer.headers, name


def test_a_forwarded_host_name_is_not_believed(client: Client, dana: User) -> None:
    client.force_login(dana)
    answer = client.get("/api/v1/tickets/?limit=1", headers={"x-forwarded-host": "evil.example"})

    assert "evil.example" not in answer.content.decode()


def test_a_body_beyond_every_form_is_refused_unread(client: Client) -> None:
    class Endless(io.RawIOBase):
        n_read = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            Endless.n_read += len(buffer)
            return len(buffer)

    answer = client.generic(
        "POST",
        "/account/login/",
        b"",
        content_type="multipart/form-data; boundary=b",
        CONTENT_LENGTH=str(900 * MIB),
        **{"wsgi.input": io.BufferedReader(Endless())},  # type: ignore[arg-type]
    )

    assert answer.status_code == 413
    assert Endless.n_read < MIB


@pytest.mark.parametrize("charset", ["hex", "undefined", "utf-7", "unicode_escape", "utf-16"])
def test_a_form_in_an_odd_charset_is_refused(client: Client, charset: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="login"\r\n\r\n\\ud800+2AA-\r\n--b--\r\n'
    kind = "multipart/form-data; boundary=b"

    odd = client.generic("POST", "/account/login/", body, content_type=f"{kind}; charset={charset}")
    usual = client.generic("POST", "/account/login/", body, content_type=f'{kind}; charset="UTF-8"')

    assert (odd.status_code, usual.status_code) == (415, 200)


def test_a_key_s_answers_are_kept_in_no_cache(client: Client, dana: User) -> None:
    client.force_login(dana)
    assert "no-store" in client.get("/api/v1/tickets/").headers["Cache-Control"]
    client.logout()
    bare = Client().get("/api/v1/tickets/", headers={"authorization": "Bearer pk_x_y"})
    assert "no-store" in bare.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "/case/SECRET-token_1/",
        "/answer/SECRET-token_1/",
        "/account/invitation/SECRET-token_1/",
        "/account/password/reset/key/1-abc-SECRET-token_1/",
    ],
)
def test_no_token_of_a_link_stands_in_the_log(path: str) -> None:
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 1, "%s: %s", ("Not Found", path), None
    )
    assert MaskTokens().filter(record)

    assert "SECRET" not in record.getMessage()
    assert record.getMessage().startswith("Not Found: ")


def test_the_log_of_the_service_masks_tokens(settings: Any) -> None:
    assert "tokens" in settings.LOGGING["handlers"]["stderr"]["filters"]


@pytest.mark.parametrize(
    "following", ["https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example"]
)
def test_no_door_leads_elsewhere(client: Client, dana: User, minji: User, following: str) -> None:
    answer = client.post(reverse("language"), {"language": "en", "next": following})
    assert answer.headers["Location"] == "/"

    given = {"login": dana.email, "password": "correct horse battery staple", "next": following}
    answer = client.post("/account/login/", given)
    assert answer.headers["Location"] == "/tickets/"

    agent = Client()
    inside = agent.get("/desk/login/", {"next": following})
    answer = agent.post(
        inside.headers["Location"],
        {"login": minji.email, "password": "correct horse battery staple"},
    )
    assert "evil" not in answer.headers["Location"]


@pytest.mark.parametrize("path", ["/tickets/%s/", "/case/of/%s/", "/desk/tickets/case/%s/change/"])
@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 19, "9" * 40, "9" * 5000])
def test_no_number_is_too_large(client: Client, minji: User, path: str, number: str) -> None:
    client.force_login(minji)

    assert client.get(path % number).status_code == 404
