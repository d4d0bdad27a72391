"""The figures of the collapse study as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def page(found: Mapping[str, Any]) -> str:
    """Return all tables.

    Args:
        found: as `collapse_study.study` returns it.
    """
    parts = [
        f"Dead: {found['truth']['dead']}. Alive: {found['truth']['alive']}. The margin is "
        f"{found['truth']['margin']:g}.",
        "#### Settings",
        _settings(found["settings"]),
        "#### Kinds, by the product's rule",
        _kinds(found["kinds"]),
        "#### Data sets, by the product's rule",
        _data(found["data"]),
        "#### Gates",
        _gates(found["gates"]),
        "#### False alarms among the top half of the table",
        _alarms(found["false_alarms"]),
    ]
    return "\n\n".join(parts) + "\n"


def _settings(rows: Sequence[Mapping[str, Any]]) -> str:
    head = (
        "family", "data", "seed", "setting", "expected", "by labels", "k-NN", "linear",
        "rank of h, share", "stopped at", "seen as",
    )  # fmt: skip
    return _table(
        head,
        (
            (
                *(row[name] for name in ("family", "data", "seed", "setting", "expected")),
                "broke" if row["broke"] else row["worth"],
                _gain(row["knn_gain"]),
                _gain(row["linear_gain"]),
                " ".join(_number(share) for share in row["rank_shares"].values()),
                _share(row["stop"]),
                _seen(row["stop"]),
            )
            for row in rows
        ),
    )


def _kinds(kinds: Mapping[str, Mapping[str, int]]) -> str:
    head = ("kind", "trials", "dead", "by 1/9", "by 1/3", "only at the end", "never")
    return _table(head, ((kind, *counts.values()) for kind, counts in kinds.items()))


def _data(data: Mapping[str, Mapping[str, int]]) -> str:
    head = ("data", "dead", "by 1/9", "by 1/3", "only at the end", "never", "alive", "stopped")
    return _table(head, ((name, *counts.values()) for name, counts in data.items()))


def _gates(gates: Mapping[str, Mapping[str, Any]]) -> str:
    head = (
        "gate", "dead settings", "by 1/9", "by 1/3", "end", "never", "alarms of living settings",
        "dead in the table", "by 1/3", "alarms in the top half", "of these by 1/3",
        "saved of the table",
    )  # fmt: skip
    rows = []
    for name, found in gates.items():
        s, t = found["settings"], found["table"]
        rows.append(
            (
                name,
                *(s[k] for k in ("dead", "by_first_ninth", "by_first_third")),
                *(s[k] for k in ("only_at_the_end", "never")),
                f"{s['false_alarms']} of {s['alive']}",
                *(t[k] for k in ("dead", "by_first_third")),
                f"{t['false_alarms_in_top_half']} of {t['top_half']}",
                t["false_alarms_in_top_half_early"],
                f"{t['saved']['of_all_epochs']:.1%}",
            )
        )
    return _table(head, rows)


def _alarms(rows: Sequence[Mapping[str, Any]]) -> str:
    head = ("cell", "trial", "k-NN", "linear", "stopped at", "seen as")
    return _table(
        head,
        (
            (
                row["cell"],
                row["trial"],
                _gain(row["knn_gain"]),
                _gain(row["linear_gain"]),
                _share(row["stop"]),
                _seen(row["stop"]),
            )
            for row in rows
        ),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _gain(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.1f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _share(stop: Mapping[str, Any] | None) -> str:
    return "–" if stop is None else f"{stop['share']:.0%}"


def _seen(stop: Mapping[str, Any] | None) -> str:
    return "–" if stop is None else f"{stop['layer']} {stop['kind']}"
