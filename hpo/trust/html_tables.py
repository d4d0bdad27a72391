"""The figures as HTML tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from hpo.counted import listed
from hpo.trust.assessing import MeasureTrust, Trust
from hpo.trust.estimate import Estimate
from hpo.trust.evidence import LINEAR
from hpo.trust.wording import probe_name, signed

NOTHING = "–"
_WHISKER = 120


def measures_table(trust: Trust) -> str:
    """Lay out each measure against the linear probe, the objective's row marked."""
    k = max((recall.k for m in trust.measures for recall in m.recalls if recall.k <= 3), default=0)
    chance = next((r.chance for m in trust.measures for r in m.recalls if r.k == k), None)
    top = f"top {k}" if k else ""
    head = ["measure", "τ", "95 % interval", "", "ρ", *([top] if k else [])]
    head += ["its pick", "accuracy", "points below the best", "without a value"]
    rows = [_measure_row(m, k) for m in trust.measures]
    said = "Each measure against the linear probe, the study's objective first."
    if chance is not None:
        said += f" Top {k}: how many of the probe's best {k} are among the measure's best {k}; "
        said += f"by chance {chance * k:.1f}."
    marked = [m.name == trust.objective for m in trust.measures]
    return _table(said, head, rows, marked)


def probes_table(trust: Trust) -> str:
    """Lay out τ with every kind of probe; empty where there is only one."""
    if len(trust.n_tested) < 2:
        return ""
    rows = [[escape(m.name), *(_tau(m.tau[p]) for p in trust.n_tested)] for m in trust.measures]
    return _table(
        "Kendall's τ with each kind of probe.",
        ["measure", *(probe_name(p) for p in trust.n_tested)],
        rows,
        [m.name == trust.objective for m in trust.measures],
    )


def rungs_table(trust: Trust) -> str:
    """Lay out each measure's order on the way; empty where there is but one rung."""
    epochs = [rung.epoch for rung in trust.own.by_rung]
    if not epochs:
        return ""
    head = ["measure", *(f"epoch {e}, own end" for e in epochs)]
    probed = trust.band is not None
    head += [f"epoch {e}, probe" for e in epochs] if probed else []
    rows = []
    for m in trust.measures:
        own = [_number(rung.with_end) for rung in m.by_rung]
        own += [_number(rung.with_probe) for rung in m.by_rung] if probed else []
        rows.append([escape(m.name), *own])
    said = f"Kendall's τ of the order on the way with the measure's own at epoch {trust.epoch}"
    said += ", and with the linear probe there." if probed else "."
    return _table(said, head, rows, [m.name == trust.objective for m in trust.measures])


def agreement_table(trust: Trust, names: Sequence[str]) -> str:
    """Lay out how far some measures agree with each other; empty for fewer than two."""
    agreement = trust.agreement
    places = [agreement.measures.index(name) for name in names]
    if len(places) < 2:
        return ""
    rows = [
        [escape(agreement.measures[i]), *(_shaded(agreement.tau[i][j]) for j in places)]
        for i in places
    ]
    return _table(
        f"Kendall's τ between measures, over the {agreement.n} trials that may be chosen.",
        ["measure", *(agreement.measures[j] for j in places)],
        rows,
        [agreement.measures[i] == trust.objective for i in places],
        turned=True,
    )


def _measure_row(m: MeasureTrust, k: int) -> list[str]:
    tau, rho, pick = m.tau[LINEAR], m.rho[LINEAR], m.pick
    recall = next((r for r in m.recalls if r.k == k), None)
    cells = [escape(m.name), _tau(tau), _interval(tau), _whisker(tau), _number(rho.value)]
    if k:
        cells.append(NOTHING if recall is None else f"{recall.share * k:.3g}")
    if pick is None:
        cells += [NOTHING] * 3
    else:
        tied = " (tied)" if pick.tied and pick.regret_points else ""
        cells += [listed(pick.numbers, most=3), f"{pick.accuracy:.3f}"]
        cells.append(f"{pick.regret_points:.1f}{tied}")
    return [*cells, str(m.n_missing) if m.n_missing else ""]


def _tau(estimate: Estimate) -> str:
    if estimate.value is None:
        return f'<span title="{escape(estimate.undefined, quote=True)}">{NOTHING}</span>'
    return signed(estimate.value)


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return escape(estimate.undefined)
    return f"{signed(estimate.low)} to {signed(estimate.high)}"


def _number(value: float | None) -> str:
    return NOTHING if value is None else signed(value)


def _whisker(estimate: Estimate) -> str:
    """The interval as a line from -1 to 1 with 0 marked; the figures stand beside it."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return ""
    low, at, high = (
        round((value + 1) / 2 * (_WHISKER - 8) + 4, 1)
        for value in (estimate.low, estimate.value, estimate.high)
    )
    middle = _WHISKER / 2
    return (
        f'<svg viewBox="0 0 {_WHISKER} 14" width="{_WHISKER}" height="14" aria-hidden="true">'
        f'<line x1="{middle}" x2="{middle}" y1="0" y2="14" stroke="var(--muted, #777)"/>'
        f'<line x1="{low}" x2="{high}" y1="7" y2="7" stroke="currentColor" stroke-width="1.5"/>'
        f'<circle cx="{at}" cy="7" r="4" fill="var(--accent, #b27a00)"/></svg>'
    )


def _shaded(tau: float | None) -> str:
    if tau is None:
        return NOTHING
    share = round(45 * abs(tau))
    colour = "var(--accent, #b27a00)" if tau >= 0 else "var(--open, #2b7a8c)"
    mix = f"color-mix(in srgb, {colour} {share}%, transparent)"
    return f'<span class="trust-shade" style="background: {mix}">{signed(tau)}</span>'


def _table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    marked: Sequence[bool],
    *,
    turned: bool = False,
) -> str:
    """Lay out a table; cells are HTML already, all else is text."""
    kind = ' class="turned"' if turned else ""
    titles = "".join(
        f'<th scope="col"{kind if place else ""}><span>{escape(title)}</span></th>'
        if title
        else "<td></td>"
        for place, title in enumerate(head)
    )
    body = "".join(
        f'<tr{" class=chosen" if mark else ""}><th scope="row">{cells[0]}</th>'
        + "".join(f"<td>{cell}</td>" for cell in cells[1:])
        + "</tr>"
        for cells, mark in zip(rows, marked, strict=True)
    )
    label = escape(caption, quote=True)
    return (
        f'<p class="muted trust-said">{escape(caption)}</p>'
        f'<div class="scroll tall" tabindex="0" role="region" aria-label="{label}">'
        f'<table class="trust-table" aria-label="{label}">'
        f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
    )
