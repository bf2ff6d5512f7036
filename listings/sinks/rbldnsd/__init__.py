"""Zones for rbldnsd, proved by DNS queries.  See docs/operate/rbldnsd.md."""

from listings.sinks.rbldnsd.receipt import read_back
from listings.sinks.rbldnsd.writer import FILES, NOTATION, WANTS, prepare, switch

__all__ = ["FILES", "NOTATION", "WANTS", "prepare", "read_back", "switch"]
