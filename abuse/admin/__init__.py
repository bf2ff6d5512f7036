"""The abuse desk: incidents, reports, and the tables that say whose mail is whose."""

from abuse.admin import hooks, incidents, reports, senders, thresholds

__all__ = ["hooks", "incidents", "reports", "senders", "thresholds"]
