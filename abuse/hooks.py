"""The operator's hook: what keeps a tenant from sending, and lets it send again.

A program is started with the act and the tenant, and reads the whole call as JSON from its
standard input; a web address gets the same JSON by POST, signed.  Calls may come twice, after a
crash: ``key`` is then the same.
"""

import hashlib
import hmac
import json
from typing import Any, Final

import urllib3
from django.conf import settings
from django.utils.translation import gettext as _

from abuse.models import HookCall
from escalation import programs
from escalation.errors import TryAgainLater

SECONDS: Final = 20.0
SAID: Final = 500  # characters of the answer that are kept
SIGNATURE: Final = "X-Postern-Signature"


def call(row: HookCall) -> str:
    """Call the hook; return what it said.  Raises ``TryAgainLater``."""
    hook = settings.POSTERN_RESTRICT_HOOK
    body = json.dumps(payload(row)).encode()
    if hook.startswith(("https://", "http://")):
        return _post(hook, body)
    return programs.run([hook, row.what, str(row.incident.tenant_id)], stdin=body, seconds=SECONDS)[
        :SAID
    ]


def payload(row: HookCall) -> dict[str, Any]:
    """What the hook is told."""
    incident = row.incident
    return {
        "key": row.key,
        "act": row.what,
        "tenant": incident.tenant_id,
        "tenant_name": incident.tenant.name,
        "domains": sorted(incident.tenant.domains.values_list("name", flat=True)),
        "incident": incident.pk,
        "class": incident.feedback_class,
        "asked_at": row.asked_at.isoformat(),
    }


def _post(url: str, body: bytes) -> str:
    headers = {"Content-Type": "application/json", "User-Agent": "Postern"}
    if key := settings.POSTERN_RESTRICT_KEY:
        digest = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        headers[SIGNATURE] = f"sha256={digest}"
    timeout = urllib3.Timeout(total=SECONDS)
    try:
        with urllib3.PoolManager(num_pools=1, retries=False, timeout=timeout) as pool:
            answer = pool.request(
                "POST", url, body=body, headers=headers, redirect=False, preload_content=False
            )
            said = answer.read(SAID).decode("utf-8", "replace")
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TryAgainLater(_("the hook did not answer: %s") % type(error).__name__) from error
    if not 200 <= answer.status < 300:
        raise TryAgainLater(_("the hook answered %d") % answer.status)
    return programs.plain(said, SAID)
