"""Tables for Postfix, proved by SMTP or postmap.  See docs/operate/postfix.md."""

from listings.sinks.postfix.receipt import read_back
from listings.sinks.postfix.writer import FILES, NOTATION, WANTS, prepare, switch

__all__ = ["FILES", "NOTATION", "WANTS", "prepare", "read_back", "switch"]
