"""A person's browser at the real web server: cookies, forms, and a reload when it is away."""

import http.cookiejar
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from html.parser import HTMLParser

from django.conf import settings
from django.test import Client

from customers.models import User
from tests.mta.files import URL
from tests.mta.servers import PATIENCE

Fields = dict[str, str | list[str]]


class Browser:
    """Holds a session; ``meanwhile`` is called while the web server does not answer."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.cookies = http.cookiejar.CookieJar()
        self.meanwhile = meanwhile
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), urllib.request.ProxyHandler({})
        )

    def sign_in(self, user: User) -> "Browser":
        """The session that signing in would have made, and pages in English."""
        User.objects.filter(pk=user.pk).update(language="en")
        client = Client()
        client.force_login(user)
        self._keep(settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value)
        self._keep(settings.LANGUAGE_COOKIE_NAME, "en")
        return self

    def _keep(self, name: str, value: str) -> None:
        host = str(urllib.parse.urlsplit(URL).hostname)
        self.cookies.set_cookie(
            http.cookiejar.Cookie(
                version=0, name=name, value=value, port=None, port_specified=False,
                domain=host, domain_specified=False, domain_initial_dot=False, path="/",
                path_specified=True, secure=False, expires=None, discard=True, comment=None,
                comment_url=None, rest={},
            )
        )  # fmt: skip

    def get(self, path: str) -> "Page":
        return self._ask(urllib.request.Request(_url(path)))

    def post(self, path: str, fields: Fields) -> "Page":
        """Send a form; again, with the same key, if the server dies over it."""
        body = urllib.parse.urlencode(fields, doseq=True).encode()
        return self._ask(urllib.request.Request(_url(path), data=body, headers={"Referer": URL}))

    def _ask(self, request: urllib.request.Request) -> "Page":
        end = time.monotonic() + PATIENCE
        while True:
            try:
                with self.opener.open(request, timeout=20) as answer:
                    return Page(answer.url, answer.status, answer.read().decode())
            except urllib.error.HTTPError as error:
                return Page(request.full_url, error.code, error.read().decode(errors="replace"))
            except OSError:
                if time.monotonic() > end:
                    raise
                self.meanwhile()
                time.sleep(0.2)


def _url(path: str) -> str:
    return path if path.startswith("http") else URL + path


class Page:
    """What came, and its forms as a person would send them on."""

    def __init__(self, url: str, status: int, text: str) -> None:
        self.url, self.status, self.text = url, status, text
        self.path = urllib.parse.urlsplit(url).path

    def form(self, holds: str) -> Fields:
        """The fields of the first form that has a field or button named ``holds``."""
        for form in re.findall(r"<form\b.*?</form>", self.text, re.DOTALL):
            reader = _Form()
            reader.feed(form)
            if holds in reader.names:
                return reader.fields
        raise AssertionError(f"{self.url} ({self.status}) has no form with {holds}: {self.text}")


class _Form(HTMLParser):
    """Fields with what stands in them; nothing is ticked, and no button pressed."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: Fields = {}
        self.names: set[str] = set()
        self.area = self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, kind = given.get("name", ""), given.get("type", "text")
        self.names.add(name)
        if tag == "input" and kind not in {"checkbox", "radio", "file", "submit"}:
            self.fields[name] = given.get("value", "")
        elif tag == "textarea":
            self.area = name
            self.fields[name] = ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in given:
            self.fields[self.select] = given["value"]

    def handle_data(self, text: str) -> None:
        if self.area:
            self.fields[self.area] = f"{self.fields[self.area]}{text}"

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.fields[self.area] = str(self.fields[self.area]).removeprefix("\n")
            self.area = ""
        elif tag == "select":
            self.select = ""
