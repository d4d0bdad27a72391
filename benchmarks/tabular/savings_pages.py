"""The study of savings as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.tabular.savings_figures import COMPUTE_TARGET, PROBES_TARGET


def page(result: Mapping[str, Any], names: list[str] | None = None) -> str:
    """Write one row a strategy: means over cells, with intervals where there are three cells."""
    lines = [
        f"Means over {len(result['cells'])} cells, {result['shuffles']} orders each; [95 % "
        f"interval over cells]. Met: compute ≤ {COMPUTE_TARGET:.0%}, probes ≤ {PROBES_TARGET:.0%} "
        "and within one point, all in the same order. Regret in points.",
        "",
        "| strategy | compute | probes | within 1 point | ... or 1 s.e. | least cell | met | "
        "regret mean / median / worst | unseen labels: within 1 point | regret |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, found in result["strategies"].items():
        if names is None or name in names:
            lines.append(_row(name, found["over_cells"]))
    return "\n".join(lines)


def cell_page(result: Mapping[str, Any]) -> str:
    """Write one row a cell: what its figures rest on."""
    lines = [
        "| cell | trials | best pooled ± s.e. | within 1 point of it | median | worst | "
        "α of the best | best called collapsed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, c in result["cells"].items():
        alpha = "" if c["best_trial_alpha"] is None else f"{c['best_trial_alpha']:.2f}"
        lines.append(
            f"| {name} | {c['trials']} | {c['best_pooled']:.3f} ± {c['standard_error']:.3f} | "
            f"{c['within_point']} | {c['median_pooled']:.3f} | {c['worst_pooled']:.3f} | {alpha} | "
            f"{'yes' if c['best_trial_called_collapsed'] else 'no'} |"
        )
    return "\n".join(lines)


def _row(name: str, over: Mapping[str, Any]) -> str:
    pooled, unseen = "pooled.", "reported."
    regrets = " / ".join(
        _points(over[f"{pooled}regret_{which}"]["mean"]) for which in ("mean", "median")
    )
    cells = [
        name,
        _share(over["compute"]),
        _share(over["probes"]),
        _share(over[f"{pooled}within_point"]),
        _share(over[f"{pooled}within_point_or_error"]),
        _percent(over[f"{pooled}within_point"]["least"]),
        _share(over[f"{pooled}met"]),
        f"{regrets} / {_points(over[f'{pooled}regret_worst']['largest'])}",
        _share(over[f"{unseen}within_point"]),
        _points(over[f"{unseen}regret_mean"]["mean"]),
    ]
    return f"| {' | '.join(cells)} |"


def _share(figure: Mapping[str, Any]) -> str:
    if figure["interval"] is None:
        return _percent(figure["mean"])
    low, high = figure["interval"]
    return f"{_percent(figure['mean'])} [{100 * low:.0f}, {100 * high:.0f}]"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"
