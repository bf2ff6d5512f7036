from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DelistingConfig(AppConfig):
    """The portal: strangers who take their own address off the list, as far as the policy lets."""

    name = "delisting"
    verbose_name = _("delisting")
