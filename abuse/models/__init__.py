"""Reports, whose mail they are about, what follows from them."""

from abuse.models.incidents import Heard, HookCall, Incident, IncidentEntry, Step, Threshold
from abuse.models.reports import Fingerprint, Report, Voice
from abuse.models.senders import AddressRange, Loop, Reporter, SentVolume, SigningKey

__all__ = [
    "AddressRange", "Fingerprint", "Heard", "HookCall", "Incident", "IncidentEntry", "Loop",
    "Report", "Reporter", "SentVolume", "SigningKey", "Step", "Threshold", "Voice",
]  # fmt: skip
