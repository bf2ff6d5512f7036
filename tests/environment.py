"""What the settings find in the environment of every test; loaded before Django."""

import os
import tempfile

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
for name in [name for name in os.environ if name.startswith(("POSTERN_", "EMAIL_"))]:
    del os.environ[name]  # a test must not depend on what the developer runs
os.environ["SECRET_KEY"] = "for-tests-only-" * 5
os.environ["POSTERN_VAR"] = tempfile.mkdtemp(prefix="postern-test-")
# Playwright keeps an event loop in the thread of the tests; ours is plain Django.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
