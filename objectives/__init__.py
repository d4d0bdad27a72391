"""What a representation is worth, measured without labels. Pure torch."""

from objectives.alpha_req import (
    GOLDILOCKS_ZONE,
    AlphaFit,
    alpha_req,
    fit_power_law,
    zone_distance,
)
from objectives.collapse import (
    CollapseKind,
    CollapseReport,
    CollapseThresholds,
    EmbeddingStatistics,
    collapse_report,
)
from objectives.errors import (
    EmbeddingError,
    InvalidArgumentError,
    ObjectivesError,
    UnknownMeasureError,
)
from objectives.initialisation import distance_from_initialisation
from objectives.lidar import lidar, lidar_eigenvalues
from objectives.moments import SecondMoments
from objectives.rankme import rankme
from objectives.registry import MEASURES, Measure, get_measure, measure_names
from objectives.spectrum import (
    covariance_eigenvalues,
    effective_rank,
    singular_values,
)

__all__ = [
    "GOLDILOCKS_ZONE",
    "MEASURES",
    "AlphaFit",
    "CollapseKind",
    "CollapseReport",
    "CollapseThresholds",
    "EmbeddingError",
    "EmbeddingStatistics",
    "InvalidArgumentError",
    "Measure",
    "ObjectivesError",
    "SecondMoments",
    "UnknownMeasureError",
    "alpha_req",
    "collapse_report",
    "covariance_eigenvalues",
    "distance_from_initialisation",
    "effective_rank",
    "fit_power_law",
    "get_measure",
    "lidar",
    "lidar_eigenvalues",
    "measure_names",
    "rankme",
    "singular_values",
    "zone_distance",
]
