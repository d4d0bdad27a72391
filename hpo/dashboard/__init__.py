"""What optuna-dashboard shows of a study beside the numbers: spectra, reasons and the choice.

The dashboard reads the study's database as it is. Notes are written the way it stores them, so it
need not be installed where a study runs; spectra are artifacts of Optuna's own, in `OUT/artifacts`.

    optuna-dashboard sqlite:///OUT/study.db --artifact-dir OUT/artifacts
"""

from hpo.dashboard.describing import Describing
from hpo.dashboard.spectrum import SPECTRUM, spectrum_record
from hpo.dashboard.whole_study import (
    Described,
    dashboard_command,
    describe_choice,
    describe_study,
    name_the_objective,
)

__all__ = [
    "SPECTRUM",
    "Described",
    "Describing",
    "dashboard_command",
    "describe_choice",
    "describe_study",
    "name_the_objective",
    "spectrum_record",
]
