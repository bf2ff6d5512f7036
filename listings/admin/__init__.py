"""The list at the desk."""

from listings.admin import lists, publications, sinks

__all__ = ["lists", "publications", "sinks"]
