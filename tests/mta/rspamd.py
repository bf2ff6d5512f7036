"""rspamd with Debian's own configuration and our map in it."""

import json
import os
import pwd
import signal
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from tests.mta import blocks
from tests.mta.servers import Server

SCANNER = 11333  # port, as Debian has it
MAIL = b"From: accounts@bank.example\r\nTo: dana@clinic.example\r\nSubject: Hi\r\n\r\nHi.\r\n"
# Of all its modules only the one that has our map; nothing of it looks outside.
LOCAL = {
    "options.inc": 'filters = "";\ndisable_hyperscan = true;\nmap_watch_interval = 1s;\n'
    'url_tld = "/etc/rspamd/local.d/tld.dat";\n',
    "tld.dat": "example\n",  # Debian's has nearly ten thousand, and takes ten seconds to read
    "logging.inc": 'type = "console";\n',
    "worker-controller.inc": "enabled = false;\n",
    "worker-proxy.inc": "enabled = false;\n",
    "worker-normal.inc": "count = 1;\n",
}


class Rspamd(Server):
    """Scans what it is given on the loopback interface."""

    def __init__(self, room: Path, *, url: str, name: str, token: str) -> None:
        """``url`` is where the desk is, ``name`` and ``token`` are the sink's."""
        credentials = f"http://{name}:{token}@{url.removeprefix('http://')}"
        multimap = blocks.block("rspamd", "multimap", map=credentials, url=url)
        room = Path(tempfile.mkdtemp(dir=room, prefix="rspamd-"))
        room.chmod(0o755)
        local = room / "local.d"
        local.mkdir()
        for file, text in {**LOCAL, "multimap.conf": multimap}.items():
            (local / file).write_text(text)
        self.kept = kept = room / "kept"
        kept.mkdir()
        user = pwd.getpwnam("_rspamd")
        os.chown(kept, user.pw_uid, user.pw_gid)
        (room / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        super().__init__(
            "rspamd",
            ["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-p", str(kept / "pid")],
            room=room,
            over={
                "/etc/rspamd/local.d": local,
                "/var/lib/rspamd": kept,
                "/etc/resolv.conf": room / "resolv.conf",
            },
        )

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{SCANNER}/ping", timeout=2).close()
        except OSError:
            return False
        return True

    def reload(self) -> None:
        """What ``systemctl reload rspamd`` does."""
        self.child.send_signal(signal.SIGHUP)

    def fetch_anew(self) -> None:
        """Stop, forget the maps on disk, start: the page's way to have the newest at once."""
        self.stop()
        for path in self.kept.glob("*.map"):
            path.unlink()
        self.start()
        self.wait()

    def scan(self, address: str) -> dict[str, Any]:
        """What it says to mail from an address."""
        asked = urllib.request.Request(
            f"http://127.0.0.1:{SCANNER}/checkv2", data=MAIL, headers={"IP": address}
        )
        with urllib.request.urlopen(asked, timeout=20) as answer:
            said: dict[str, Any] = json.load(answer)
        return said

    def verdict(self, address: str) -> tuple[str, str]:
        """The action and the words of the answer."""
        said = self.scan(address)
        return said["action"], said["messages"].get("smtp_message", "")
