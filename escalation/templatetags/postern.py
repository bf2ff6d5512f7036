"""What every template may use: addresses, moments, parties."""

from django import template

register = template.Library()
