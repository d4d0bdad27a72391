"""Re-deciding a finished study offline, from what was recorded, with the code that decided it."""

from hpo.replay.comparison import Comparison, compare
from hpo.replay.events import BreakOff, Event, Probe, Report, Verdict
from hpo.replay.recording import Recording, TrialRecord, read_recording
from hpo.replay.replaying import Redecision, Replay, as_recorded, replay

__all__ = [
    "BreakOff",
    "Comparison",
    "Event",
    "Probe",
    "Recording",
    "Redecision",
    "Replay",
    "Report",
    "TrialRecord",
    "Verdict",
    "as_recorded",
    "compare",
    "read_recording",
    "replay",
]
