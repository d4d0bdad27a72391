"""The study of objectives as Markdown tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def tables(study: Mapping[str, Any], *, search: str = "16") -> str:
    """Write all tables of a study.

    Args:
        study: as `objectives_study` returned it.
        search: length of the random searches of the tables: "8", "16", "32" or "all".
    """
    parts = {
        "Cells": cells_table(study),
        f"Mean regret over random searches of {search} trials, points (with the bar)": (
            regret_table(study, search)
        ),
        "Kendall's τ with accuracy (with the bar; 95 % interval)": tau_table(study),
        "τ with the accuracy at the end, by rung (mean over cells; plain, and among those that "
        "have moved by then)": epoch_table(study),
        f"What labels would have bought (judged on the reporting part; {search} trials)": (
            labels_table(study, search)
        ),
        "The default": choice_table(study),
        "Under optimisation: regret of TPE's pick on the surrogate, points": (
            optimisation_table(study)
        ),
    }
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts.items() if text)


def cells_table(study: Mapping[str, Any]) -> str:
    """One line a cell: its trials, accuracies and noise."""
    head = ["cell", "trials", "to the end", "may be chosen", "accuracy: worst, median, best"]
    head += [
        "best allowed",
        "untrained",
        "pixels (trials above)",
        "standard error, points",
        "between two seeds, points",
    ]
    head += ["best of cell less best of 8, 16, 32 trials"]
    lines = []
    for name, cell in study["cells"].items():
        f = cell["facts"]
        low, _, median, _, best = f["quartiles"]
        short = f["best_of_cell_less_best_of_search_points"]
        lines.append(
            [
                *(name, str(f["trials_ended"]), str(f["trained_to_the_end"])),
                str(f["may_be_chosen"]),
                f"{100 * low:.1f}, {100 * median:.1f}, {100 * best:.1f}",
                f"{100 * f['best_that_may_be_chosen']:.1f}",
                f"{100 * f['untrained']:.1f}",
                f"{100 * f['pixels']:.1f} ({f['better_than_pixels']})",
                number(f["standard_error_of_best_points"]),
                f"{number(f['seed_deviation_points'])} (n = {f['replicates']})",
                ", ".join(number(short.get(n, math.nan)) for n in ("8", "16", "32")),
            ]
        )
    return markdown(head, lines)


def regret_table(study: Mapping[str, Any], search: str) -> str:
    """One line a candidate, the smallest mean first, with a random pick and the best possible."""
    cells = {n: c for n, c in study["cells"].items() if search in c["bounds"]["random"]["bar"]}
    if not cells:
        return ""

    def line(name: str, of: Mapping[str, Mapping[str, Any]]) -> tuple[float, list[str]]:
        bar = [f["bar"][search] for f in of.values()]
        mean = _mean(r["mean"] for r in bar)
        texts = [
            *(name, number(mean), number(_mean(f["plain"][search]["mean"] for f in of.values()))),
            number(_mean(f["bar"]["all"]["mean"] for f in of.values())),
            f"{100 * _mean(r['within_one'] for r in bar):.0f} %",
            number(max(r["worst"] for r in bar)),
            *(number(r["mean"]) for r in bar),
        ]
        return mean, texts

    lines = [
        line(f"*{name}*", {n: c["bounds"][name] for n, c in cells.items()})
        for name in ("random", "best allowed")
    ]
    for name in study["candidates"]:
        of = {
            cell: {v: c["candidates"][name][v]["regret"] for v in ("bar", "plain")}
            for cell, c in cells.items()
        }
        lines.append(line(name, of))
    head = ["candidate", "mean", "without bar", "full search", "within 1 point", "worst", *cells]
    return markdown(head, [texts for _, texts in sorted(lines, key=lambda each: each[0])])


def tau_table(study: Mapping[str, Any], variant: str = "bar") -> str:
    """One line a candidate, the highest mean first."""
    lines = []
    for name in study["candidates"]:
        taus = [c["candidates"][name][variant]["tau"] for c in study["cells"].values()]
        mean = _mean(0.0 if math.isnan(t[0]) else t[0] for t in taus)
        lines.append((-mean, [name, signed(mean), *(_interval(t) for t in taus)]))
    head = ["candidate", "mean", *study["cells"]]
    return markdown(head, [texts for _, texts in sorted(lines, key=lambda each: each[0])])


def epoch_table(study: Mapping[str, Any]) -> str:
    """Mean τ over cells of the value at each rung with the accuracy at the end."""
    if not study["cells"]:
        return ""
    lines = []
    for name in study["candidates"]:
        by_rung = [
            list(c["candidates"][name]["by_epoch"].values()) for c in study["cells"].values()
        ]
        n_rungs = min(len(rungs) for rungs in by_rung)
        texts: list[str] = [name]
        for key in ("tau", "tau_bar"):
            for rung in range(n_rungs):
                texts.append(signed(_mean(rungs[rung][key] for rungs in by_rung)))
        lines.append(texts)
    n = (len(lines[0]) - 1) // 2
    head = ["candidate", *(f"rung {i + 1}" for i in range(n))]
    return markdown([*head, *(f"rung {i + 1}, moved" for i in range(n))], lines)


def labels_table(study: Mapping[str, Any], search: str) -> str:
    """One line a chooser: mean over cells of regret, chance and worst case."""
    lines = []
    names = list(dict.fromkeys(n for c in study["cells"].values() for n in c["labels"]))
    for name in names:
        found = [
            c["labels"][name][search]
            for c in study["cells"].values()
            if search in c["labels"].get(name, {})
        ]
        if found:
            texts = [name, number(_mean(r["mean"] for r in found))]
            texts += [f"{100 * _mean(r['within_one'] for r in found):.0f} %"]
            texts += [number(max(r["worst"] for r in found)), str(len(found))]
            lines.append(texts)
    return markdown(["chosen by", "mean regret", "within 1 point", "worst", "cells"], lines)


def choice_table(study: Mapping[str, Any]) -> str:
    """The chosen default and those that tied, on both halves."""
    choice = study["choice"]
    if not choice.get("chosen"):
        return ""
    names = dict.fromkeys([choice["chosen"], *choice["tied"], "guarded_rank", "rankme", "lidar"])
    lines = []
    for name in [*names, "alpha_req", "ssl_loss"]:
        row = [f"**{name}**" if name == choice["chosen"] else name]
        for half in ("choosing", "reporting"):
            s = choice["everybody"][name][half]
            row += [number(s[k]) if s else "–" for k in ("regret", "regret_at_full_search")]
            row += [number(s["of_rankme_as_published"]) if s else "–"]
            row += [signed(s["mean_tau"]) if s else "–"]
        lines.append(row)
    of_half = ["regret", "at full search", "of RankMe's as published", "τ"]
    head = ["candidate", *(f"{text}, chosen on" for text in of_half)]
    text = markdown([*head, *(f"{text}, reported on" for text in of_half)], lines)
    halves = (choice["chosen_on"], choice["reported_on"])
    said = "; ".join(
        f"{verb} {', '.join(half) or 'nothing'}"
        for verb, half in zip(("chosen on", "reported on"), halves, strict=True)
    )
    text += f"\n\n{said}; smallest regret: {choice['smallest_regret']}."
    held_out = choice["on_reporting_half"]
    if not held_out:
        return text
    share = number(held_out["of_rankme_as_published_at_full_search"])
    return (
        f"{text} On the reporting half, at full search: "
        f"{number(held_out['regret_at_full_search'])} points, {share} of RankMe's as published; "
        f"lowest τ of a cell {signed(held_out['least_tau'])}."
    )


def optimisation_table(study: Mapping[str, Any]) -> str:
    """One line a driver: pick and best seen by cell, and the forests' quality."""
    cells = {n: c["optimisation"] for n, c in study["cells"].items() if c.get("optimisation")}
    if not cells:
        return ""
    drivers = list(dict.fromkeys(n for c in cells.values() for n in c["regret"]))
    lines = []
    for name in drivers:
        found = [c["regret"][name] for c in cells.values() if name in c["regret"]]
        row = [name, number(_mean(r["pick"] for r in found))]
        row += [number(_mean(r["best_seen"] for r in found))]
        row += [number(max(r["pick_worst"] for r in found))]
        row += [f"{number(r['pick'])} ± {number(r['pick_standard_error'])}" for r in found]
        lines.append(row)
    quality = "; ".join(
        f"{name} {number(c['out_of_bag']['accuracy'][0])}" for name, c in cells.items()
    )
    head = ["driven by", "pick", "best seen", "worst pick", *cells]
    return f"{markdown(head, lines)}\n\nout-of-bag R² of accuracy: {quality}."


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def number(value: float) -> str:
    """Write a number to two places; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value + 0.0:.2f}".replace("-0.00", "0.00")


def signed(value: float) -> str:
    """Write a correlation with its sign."""
    return "–" if math.isnan(value) else f"{value:+.2f}".replace("-", "−")


def _interval(tau: Sequence[float]) -> str:
    return f"{signed(tau[0])} [{signed(tau[1])}, {signed(tau[2])}]"


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
