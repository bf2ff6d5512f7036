"""The plain feed: one prefix a line, in a file and over HTTP.  See README.md."""

from listings.sinks.plain.receipt import read_back
from listings.sinks.plain.writer import prepare, switch

__all__ = ["prepare", "read_back", "switch"]
