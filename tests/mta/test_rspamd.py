"""What docs/operate/rspamd.md says of maps, held against rspamd itself."""

import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.mta.files import URL
from tests.mta.postfix import SENDER
from tests.mta.rbldnsd import Unbound
from tests.mta.rspamd import Rspamd
from tests.mta.servers import eventually

ELSEWHERE = "198.51.100.99"
SENDER6 = "2001:db8:200:10::25"


class MapServer(ThreadingHTTPServer):
    """Serves ``text`` under the name and token that it is given, and notes who asks how."""

    text = ""
    changed_at = 0.0
    valid = 2  # seconds
    asked: list[tuple[str, str]]

    def put(self, text: str) -> None:
        self.text, self.changed_at = text, time.time()


class _Answers(BaseHTTPRequestHandler):
    server: MapServer

    def do_HEAD(self) -> None:
        self.answer(b"")

    def do_GET(self) -> None:
        self.answer(self.server.text.encode())

    def answer(self, body: bytes) -> None:
        self.server.asked.append((self.command, self.headers["Authorization"] or ""))
        etag = f'"{sha256(self.server.text.encode()).hexdigest()[:16]}"'
        same = self.headers["If-None-Match"] == etag
        self.send_response(304 if same else 200)
        self.send_header("ETag", etag)
        self.send_header("Last-Modified", formatdate(self.server.changed_at, usegmt=True))
        self.send_header("Expires", formatdate(time.time() + self.server.valid, usegmt=True))
        self.send_header("Content-Length", str(len(self.server.text)))
        self.end_headers()
        if not same:
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- theirs
        pass


@pytest.fixture
def desk(room: Path) -> Iterator[MapServer]:
    with MapServer(("127.0.0.1", int(URL.rpartition(":")[2])), _Answers) as server:
        server.asked = []
        server.put(f"{SENDER}/32\n{SENDER6}/128\n")
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def test_rspamd_does_with_a_map_what_the_page_says(
    room: Path, resolver: Unbound, desk: MapServer
) -> None:
    words = "5.7.606 Mail from {0} is refused: see " + URL + "/delist/?address={0}"
    with Rspamd(room, url=URL, name="mx1", token="sink_25") as rspamd:
        assert eventually(lambda: rspamd.verdict(SENDER)[0] == "reject"), rspamd.last_words()
        assert rspamd.verdict(SENDER)[1] == words.format(SENDER)
        assert rspamd.verdict(SENDER6) == ("reject", words.format(SENDER6))
        assert rspamd.verdict(ELSEWHERE)[0] != "reject"
        assert {("HEAD", "Basic bXgxOnNpbmtfMjU="), ("GET", "Basic bXgxOnNpbmtfMjU=")} == set(
            desk.asked
        )

        desk.put(f"{ELSEWHERE}/32\n")
        assert eventually(lambda: rspamd.verdict(SENDER)[0] != "reject"), "the old map stays"
        assert rspamd.verdict(ELSEWHERE)[0] == "reject"

        desk.put(f"{SENDER}/32 reason\n")
        assert eventually(lambda: "reason" in rspamd.scan(SENDER)["symbols"])
        assert "POSTERN" not in rspamd.scan(SENDER)["symbols"]

        desk.valid = 300
        desk.put(f"{SENDER}/32\n")
        assert eventually(lambda: "POSTERN" in rspamd.scan(SENDER)["symbols"])
        desk.put(f"{ELSEWHERE}/32\n")
        rspamd.reload()
        time.sleep(1)
        assert rspamd.verdict(SENDER)[0] == "reject"
        rspamd.fetch_anew()
        assert eventually(lambda: rspamd.verdict(ELSEWHERE)[0] == "reject")
        assert rspamd.verdict(SENDER)[0] != "reject"

        desk.shutdown()
        desk.server_close()
        rspamd.restart()
        assert eventually(lambda: rspamd.verdict(ELSEWHERE)[0] == "reject"), "nothing is kept"
