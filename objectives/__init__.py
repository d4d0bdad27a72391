"""What a representation is worth, measured without labels."""

from objectives.accumulator import Accumulator, EmbeddingAccumulator
from objectives.accumulators import AlphaReQ, Collapse, LiDAR, RankMe
from objectives.alignment import alignment
from objectives.alpha_req import (
    GOLDILOCKS_ZONE,
    AlphaFit,
    alpha_req,
    fit_power_law,
    zone_distance,
)
from objectives.assessment import DEFAULT_OPTIONS, Assessment, assess
from objectives.collapse import (
    CollapseKind,
    CollapseReport,
    CollapseThresholds,
    EmbeddingStatistics,
    collapse_report,
)
from objectives.consensus import consensus
from objectives.covariance_rank import covariance_rank
from objectives.distributed import reduce_moments, reduce_view_moments
from objectives.errors import (
    EmbeddingError,
    InvalidArgumentError,
    ObjectivesError,
    UnknownMeasureError,
)
from objectives.guarded import (
    DEFAULT_OBJECTIVE,
    GateVerdict,
    gate,
    guarded_lidar,
    guarded_lidar_score,
    guarded_rank,
    guarded_rank_score,
)
from objectives.guarded_alpha import guarded_alpha, guarded_alpha_score
from objectives.idest import IdestFit, idest
from objectives.initialisation import distance_from_initialisation
from objectives.jackknife import Interval, distinguishable, jackknife
from objectives.lidar import lidar, lidar_eigenvalues, lidar_noise_corrected
from objectives.measure import Measure
from objectives.measurement import (
    IncomparableError,
    Measurement,
    MeasurementRecord,
    rank_measurements,
)
from objectives.moments import SecondMoments
from objectives.participation_ratio import participation_ratio
from objectives.rankme import rankme
from objectives.registry import MEASURES, get_measure, measure_names
from objectives.retrieval import view_retrieval
from objectives.sample_size import ValueCurve, quick, value_curve
from objectives.self_cluster import self_cluster
from objectives.spectrum import covariance_eigenvalues, effective_rank, singular_values
from objectives.stable_rank import nesum, stable_rank
from objectives.uniformity import uniformity
from objectives.view_moments import ViewMoments

__all__ = [
    "DEFAULT_OBJECTIVE",
    "DEFAULT_OPTIONS",
    "GOLDILOCKS_ZONE",
    "MEASURES",
    "Accumulator",
    "AlphaFit",
    "AlphaReQ",
    "Assessment",
    "Collapse",
    "CollapseKind",
    "CollapseReport",
    "CollapseThresholds",
    "EmbeddingAccumulator",
    "EmbeddingError",
    "EmbeddingStatistics",
    "GateVerdict",
    "IdestFit",
    "IncomparableError",
    "Interval",
    "InvalidArgumentError",
    "LiDAR",
    "Measure",
    "Measurement",
    "MeasurementRecord",
    "ObjectivesError",
    "RankMe",
    "SecondMoments",
    "UnknownMeasureError",
    "ValueCurve",
    "ViewMoments",
    "alignment",
    "alpha_req",
    "assess",
    "collapse_report",
    "consensus",
    "covariance_eigenvalues",
    "covariance_rank",
    "distance_from_initialisation",
    "distinguishable",
    "effective_rank",
    "fit_power_law",
    "gate",
    "get_measure",
    "guarded_alpha",
    "guarded_alpha_score",
    "guarded_lidar",
    "guarded_lidar_score",
    "guarded_rank",
    "guarded_rank_score",
    "idest",
    "jackknife",
    "lidar",
    "lidar_eigenvalues",
    "lidar_noise_corrected",
    "measure_names",
    "nesum",
    "participation_ratio",
    "quick",
    "rank_measurements",
    "rankme",
    "reduce_moments",
    "reduce_view_moments",
    "self_cluster",
    "singular_values",
    "stable_rank",
    "uniformity",
    "value_curve",
    "view_retrieval",
    "zone_distance",
]
