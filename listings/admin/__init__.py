"""The list at the desk."""

from listings.admin import lists, protected, publications, sinks

__all__ = ["lists", "protected", "publications", "sinks"]
