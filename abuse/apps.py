from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AbuseConfig(AppConfig):
    """Reports about junk mail that comes from our own customers."""

    name = "abuse"
    verbose_name = _("abuse desk")
