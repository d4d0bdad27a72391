"""How figures are written in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from hpo.counted import listed

_PROBES = {"linear": "linear probe", "knn": "k-NN"}


def points(value: float) -> str:
    """Write a difference of accuracies; a small one is not called none.

    >>> points(0.4), points(1.0), points(0.02)
    ('0.4 points', '1.0 points', '0.02 points')
    """
    return f"{value:.1f} points" if value >= 0.05 or value == 0 else f"{value:.2f} points"


def signed(value: float) -> str:
    """Write a correlation with a real minus; -0 has none.

    >>> signed(0.712), signed(-0.25), signed(-0.001)
    ('0.71', '−0.25', '0.00')
    """
    text = f"{abs(value):.2f}"
    return text if value >= 0 or float(text) == 0 else f"−{text}"


def probe_name(probe: str) -> str:
    """Write the name of a probe.

    >>> probe_name("linear"), probe_name("few_shot_5")
    ('linear probe', '5 labels a class')
    """
    if probe.startswith("few_shot_"):
        n = probe.removeprefix("few_shot_")
        return f"{n} label{'' if n == '1' else 's'} a class"
    return _PROBES.get(probe, probe)


def measure_name(measure: str) -> str:
    """Write the name of a measure; that of α says what is good of it.

    >>> measure_name("rankme"), measure_name("alpha_req")
    ('rankme', 'alpha_req (nearness to 1)')
    """
    return f"{measure} (nearness to 1)" if measure.startswith("alpha_req") else measure


def states(counts: Mapping[str, int]) -> str:
    """Write how many ended how.

    >>> states({"pruned": 3, "collapsed": 1})
    '3 pruned and 1 collapsed'
    """
    return listed([f"{n} {state}" for state, n in counts.items()])
