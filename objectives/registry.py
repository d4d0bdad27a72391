"""The measures by name, with the facts that a study needs before it can use one."""

import difflib
from types import MappingProxyType

from objectives.errors import UnknownMeasureError
from objectives.measure import Measure, at_least, one_more_than

_FROM_MOMENTS = "O(N d² / 2 + d³) time, O(d²) memory; shared by all measures of second moments"
_FROM_VIEWS = "O(n q d² / 2 + d³) time, O(d²) memory"

MEASURES: MappingProxyType[str, Measure] = MappingProxyType(
    {
        measure.name: measure
        for measure in (
            Measure(
                name="alignment",
                direction="minimize",
                needs_views=True,
                layer="projector",
                minimum_samples=at_least(100),
                cost="O(n q d) time, O(1) memory",
                source="Wang and Isola, ICML 2020, arXiv 2005.10242, section 4.1",
            ),
            Measure(
                name="alpha_req",
                direction="closest_to_one",
                needs_views=False,
                layer="backbone",
                minimum_samples=one_more_than,
                cost=_FROM_MOMENTS,
                source="Agrawal et al., NeurIPS 2022, section 3; fit range from their code",
            ),
            Measure(
                name="covariance_rank",
                direction="maximize",
                needs_views=False,
                layer="backbone",
                minimum_samples=one_more_than,
                cost=_FROM_MOMENTS,
                source="Roy and Vetterli, EUSIPCO 2007; as in reptrix 0.1.0 and ssrlib 0.2.0",
            ),
            Measure(
                name="guarded_alpha",
                direction="maximize",
                needs_views=True,
                layer="backbone",
                minimum_samples=one_more_than,
                cost="alpha_req's and view_retrieval's",
                source="ours: α-ReQ weighed with view retrieval, behind a gate",
            ),
            Measure(
                name="guarded_lidar",
                direction="maximize",
                needs_views=True,
                layer="backbone",
                minimum_samples=one_more_than,
                cost="lidar's and view_retrieval's",
                source="ours: LiDAR weighed with view retrieval, behind a gate",
            ),
            Measure(
                name="guarded_rank",
                direction="maximize",
                needs_views=True,
                layer="backbone",
                minimum_samples=one_more_than,
                cost="rankme's and view_retrieval's",
                source="ours: RankMe weighed with view retrieval, behind a gate",
            ),
            Measure(
                name="idest",
                direction="minimize",
                needs_views=False,
                layer="backbone",
                minimum_samples=at_least(1000),
                cost="O(N² d) time, O(N d) memory",
                source="Mordacq, Kalogeiton, Oudot, ICML 2026, arXiv 2606.03338, algorithm 1",
            ),
            Measure(
                name="lidar",
                direction="maximize",
                needs_views=True,
                layer="backbone",
                minimum_samples=one_more_than,
                cost=_FROM_VIEWS,
                source="Thilak et al., ICLR 2024, arXiv 2312.04000, equations 1 to 4",
            ),
            Measure(
                name="lidar_noise_corrected",
                direction="maximize",
                needs_views=True,
                layer="backbone",
                minimum_samples=one_more_than,
                cost=_FROM_VIEWS,
                source="ours: the eigenvalues of Thilak et al., ICLR 2024, less 1 / q",
            ),
            Measure(
                name="nesum",
                direction="maximize",
                needs_views=False,
                layer="backbone",
                minimum_samples=one_more_than,
                cost=_FROM_MOMENTS,
                source="He and Ozay, ICML 2022, section 4",
            ),
            Measure(
                name="participation_ratio",
                direction="maximize",
                needs_views=False,
                layer="backbone",
                minimum_samples=one_more_than,
                cost=_FROM_MOMENTS,
                source="Gao et al., bioRxiv 214262 (2017), equation 4",
            ),
            Measure(
                name="rankme",
                direction="maximize",
                needs_views=False,
                layer="projector",
                minimum_samples=one_more_than,
                cost=_FROM_MOMENTS,
                source="Garrido et al., ICML 2023, arXiv 2210.02885, section 3",
            ),
            Measure(
                name="self_cluster",
                direction="minimize",
                needs_views=False,
                layer="backbone",
                minimum_samples=at_least(100),
                cost="O(N d · min(N, d)) time, O(min(N, d)²) memory",
                source="Tsitsulin, Munkhoeva, Perozzi, 2023, arXiv 2305.16562, definition 3.5",
            ),
            Measure(
                name="ssl_loss",
                direction="minimize",
                needs_views=False,
                layer="loss",
                minimum_samples=at_least(1),
                cost="none: it was computed anyway",
                source="the baseline: the loss that the method trains on, mean of the last epoch",
            ),
            Measure(
                name="stable_rank",
                direction="maximize",
                needs_views=False,
                layer="backbone",
                minimum_samples=one_more_than,
                cost=_FROM_MOMENTS,
                source="Rudelson and Vershynin, J. ACM 54 (2007), section 1",
            ),
            Measure(
                name="uniformity",
                direction="minimize",
                needs_views=False,
                layer="projector",
                minimum_samples=at_least(100),
                cost="O(N² d) time, O(N) memory",
                source="Wang and Isola, ICML 2020, arXiv 2005.10242, section 4.1",
            ),
            Measure(
                name="view_retrieval",
                direction="maximize",
                needs_views=True,
                layer="backbone",
                minimum_samples=at_least(100),
                cost="O(q n² d) time, O(n d) memory",
                source="ours: the share of views whose nearest neighbour is of the same image",
            ),
        )
    }
)
"""Every measure by name. Read-only."""


def get_measure(name: str) -> Measure:
    """Look a measure up by name.

    Args:
        name: One of `measure_names()`.

    Returns:
        Its record.

    Raises:
        UnknownMeasureError: No such measure; the message gives the nearest name.

    Examples:
        >>> get_measure("lidar").needs_views
        True
    """
    if name not in MEASURES:
        nearest = difflib.get_close_matches(name.lower().replace("-", "_"), MEASURES, n=1)
        raise UnknownMeasureError(name, measure_names(), nearest[0] if nearest else None)
    return MEASURES[name]


def measure_names() -> tuple[str, ...]:
    """Return the names of all measures, sorted.

    Examples:
        >>> measure_names()[:3]
        ('alignment', 'alpha_req', 'covariance_rank')
    """
    return tuple(sorted(MEASURES))
