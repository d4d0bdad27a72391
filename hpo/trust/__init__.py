"""Does the label-free measure predict the probe in this study? How far to trust its choice."""

from hpo.trust.assessing import MeasureTrust, Trust, trust
from hpo.trust.estimate import Estimate
from hpo.trust.evidence import StudyEvidence, TrialEvidence
from hpo.trust.headline import headline
from hpo.trust.page import trust_lines
from hpo.trust.prior import PriorEvidence
from hpo.trust.reading import read_evidence
from hpo.trust.sentences import sentences
from hpo.trust.written import as_json

__all__ = [
    "Estimate",
    "MeasureTrust",
    "PriorEvidence",
    "StudyEvidence",
    "TrialEvidence",
    "Trust",
    "as_json",
    "headline",
    "read_evidence",
    "sentences",
    "trust",
    "trust_lines",
]
