"""The settings of the service, and the few things that differ under test."""

from escalation.settings import *  # noqa: F403
from escalation.settings import (
    DATABASE_URL,
    DATABASES,
    INSTALLED_APPS,
    POSTERN_VAR,
    STORAGES,
    SWEEPS,
)

INSTALLED_APPS = [*INSTALLED_APPS, "tests.errands"]
SWEEPS = {**SWEEPS, "errands": "tests.errands.jobs.sweep_errands"}
POSTERN_AGENT_MFA = False  # the tests of the second factor turn it on
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
STORAGES = {  # pages are tested without collected files
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if not DATABASE_URL:
    # A file, not memory: threads and processes then meet as they do in earnest.
    DATABASES["default"]["TEST"] = {"NAME": str(POSTERN_VAR / "test.sqlite3")}
(POSTERN_VAR / "static").mkdir(exist_ok=True)  # where the web server looks
