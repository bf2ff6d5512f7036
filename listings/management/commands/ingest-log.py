"""``manage.py ingest-log``: see ``listings.management.ingest``."""

from listings.management.ingest import Command

__all__ = ["Command"]
