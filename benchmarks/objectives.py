"""Our measures against other implementations: seconds, memory, and error against exact values.

    python benchmarks/objectives.py

writes benchmarks/results/objectives.json after each size, and prints its table;

    python benchmarks/objectives.py table

prints the table of what is written. `--device cuda` runs the same on a GPU. The inputs have known
spectra (`known_spectra.py`), the contestants are in `objective_peers.py`, the method is in
`side_by_side.py`. reptrix takes part if it is installed: pip install reptrix==0.1.0
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

if not __package__:  # run as a script: this folder is on the path, and this file hides `objectives`
    sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from mpmath import mp, mpf

from benchmarks import known_spectra as known
from benchmarks import objective_peers as peers
from benchmarks import side_by_side as method

RESULTS = Path(__file__).parent / "results" / "objectives.json"
SIZES: dict[str, dict[str, list[tuple[int, ...]]]] = {
    "full": {
        "rankme": [(10_000, 512), (25_600, 2048), (50_000, 4096)],
        "lidar": [(1000, 10, 512), (5000, 10, 2048)],
    },
    "small": {"rankme": [(1000, 128)], "lidar": [(300, 10, 128)]},
}
SPECTRA = {"rankme": ("power", "levels", "limit"), "lidar": ("power", "levels")}
README_SIZES = ((25_600, 2048), (5000, 10, 2048))
TIMED = "power"
"""The input of times and memory, the first of each; the others are for the error alone."""


def spectra_of(measure: str, size: tuple[int, ...], spectrum: str) -> peers.Spectra:
    """Squares of singular values, plain and centred; for LiDAR its λ, twice."""
    if measure == "rankme":
        return known.exact_squares(size[0], size[1], spectrum)
    whitened = known.exact_whitened(size[0], size[1], size[2], spectrum, peers.DELTA)
    return whitened, whitened


def papers(measure: str, spectra: peers.Spectra, spectrum: str) -> dict[str, mpf]:
    """Exact values by the papers' definitions."""
    if measure == "lidar":
        return {"lidar": peers.effective_rank(spectra[0], peers.EPSILON)}
    found = {"rankme": peers.exact_rankme(spectra)}
    return found | ({"alpha_req": peers.exact_alpha(spectra)} if spectrum == TIMED else {})


def errors(
    contestant: peers.Contestant,
    measure: str,
    values: dict[str, float],
    spectra: peers.Spectra,
    spectrum: str,
) -> dict[str, float]:
    """Relative errors against the paper's values, and against that of its own convention."""
    exact = papers(measure, spectra, spectrum)
    if contestant.own:
        exact["own"] = contestant.own(spectra)
    read = values | {"own": values[measure]}
    with mp.workdps(known.DIGITS):
        return {
            name: float(abs(mpf(read[name]) - value) / value)
            for name, value in exact.items()
            if name in read
        }


def impossible(contestant: peers.Contestant, size: tuple[int, ...]) -> str:
    """Why it cannot be run at this size, empty if it can."""
    if contestant.missing:
        return contestant.missing
    needed = contestant.batch_bytes(size) if contestant.batch_bytes else 0
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"needs {needed / 1e9:.0f} GB: not run" if needed > memory / 2 else ""


def compare(measure: str, size: tuple[int, ...], options: argparse.Namespace) -> dict[str, Any]:
    """Run all contestants at one size."""
    contestants = peers.CONTESTANTS[measure]
    rows: dict[str, dict[str, Any]] = {
        key: {"label": c.label, "note": c.note, "errors": {}, "values": {}}
        | ({"not_run": why} if (why := impossible(c, size)) else {})
        for key, c in contestants.items()
    }
    exact = {spectrum: spectra_of(measure, size, spectrum) for spectrum in SPECTRA[measure]}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{spectrum}.npy" for spectrum in exact]
        for path in paths:
            made = (known.embeddings if measure == "rankme" else known.views)(*size, path.stem)
            known.check_exact(made, path.stem)
            np.save(path, made.numpy())
            del made
        for key, contestant in contestants.items():
            if "not_run" in rows[key]:
                continue
            print(f"  {contestant.label}", file=sys.stderr, flush=True)
            # What computes another statistic is not asked for its error on harder spectra.
            asked = paths[:1] if contestant.package else paths
            job = (measure, key, asked, options.device, options.limit_seconds)
            rows[key] |= method.in_own_process(Path(__file__), *job)
            rows[key]["errors"] = {
                spectrum: errors(contestant, measure, values, exact[spectrum], spectrum)
                for spectrum, values in rows[key]["values"].items()
            }
        _time(rows, contestants, paths[0], options)
    written = {
        spectrum: {name: mp.nstr(v, 30) for name, v in papers(measure, spectra, spectrum).items()}
        for spectrum, spectra in exact.items()
    }
    return {"measure": measure, "size": list(size), "exact": written, "contestants": rows}


def _time(
    rows: dict[str, dict[str, Any]],
    contestants: dict[str, peers.Contestant],
    path: Path,
    options: argparse.Namespace,
) -> None:
    taking_part = {key: c for key, c in contestants.items() if "not_run" not in rows[key]}
    rounds = {
        key: options.slow_rounds
        if rows[key]["cold_seconds"] > options.slow_seconds
        else options.rounds
        for key in taking_part
    }
    print(f"  rounds: {rounds}", file=sys.stderr, flush=True)
    data = method.load(path, options.device)
    for key, seconds in method.seconds_in_turn(taking_part, data, rounds, options.device).items():
        rows[key] |= {"seconds": seconds, "median_seconds": statistics.median(seconds)}
    for key in taking_part:
        rows[key]["times_ours"] = method.ratio(rows[key]["seconds"], rows["ours"]["seconds"])


def table(runs: list[dict[str, Any]]) -> str:
    """Write the Markdown tables, one for each measure."""
    return "\n\n".join(
        _table_of(measure, chosen)
        for measure in SPECTRA
        if (chosen := [run for run in runs if run["measure"] == measure])
    )


def readme_table(runs: list[dict[str, Any]]) -> str:
    """Write the README's table: the sizes of the papers, errors by each one's own convention."""
    lines = [
        "| input | measured by | seconds | times ours | memory | error |",
        "|---|---|---|---|---|---|",
    ]
    for run in (run for run in runs if tuple(run["size"]) in README_SIZES):
        size = " × ".join(f"{side:,}" for side in run["size"])
        for row in run["contestants"].values():
            if "not_run" in row:
                figures = [row["not_run"], "–", "–", "–"]
            else:
                seconds, ratio, peak, *_ = _figures(row, run["measure"], [])
                figures = [seconds, ratio, peak, _error(row["errors"][TIMED], run["measure"])]
            lines.append("| " + " | ".join([size, row["label"], *figures]) + " |")
    return "\n".join(lines)


def _table_of(measure: str, runs: list[dict[str, Any]]) -> str:
    hard = [spectrum for spectrum in SPECTRA[measure] if spectrum != TIMED]
    head = ["(N, d)" if measure == "rankme" else "(n, q, d)", "", "seconds", "times ours"]
    head += ["memory above input", "error", "by its own convention"]
    head += [f"on `{spectrum}`" for spectrum in hard]
    lines = [head, ["---"] * len(head)]
    for run in runs:
        size = "(" + ", ".join(f"{side:,}" for side in run["size"]) + ")"
        for row in run["contestants"].values():
            lines.append([size, row["label"], *_figures(row, measure, hard)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _figures(row: dict[str, Any], measure: str, hard: list[str]) -> list[str]:
    if "not_run" in row:
        return [row["not_run"]] + ["–"] * (4 + len(hard))
    peak, found = row["peak_bytes"], row["errors"][TIMED]
    own = f"{found['own']:.0e} ({row['note']})" if "own" in found else row["note"] or "the same"
    return [
        f"{row['median_seconds']:.2f}",
        f"{row['times_ours']:.2f}",
        "–" if peak is None else f"{peak / 1e6:,.0f} MB",
        f"{found[measure]:.0e}",
        own,
        # By its own convention, where it has one: another ε is no error of arithmetic.
        *(_error(row["errors"].get(spectrum, {}), measure) for spectrum in hard),
    ]


def _error(found: dict[str, float], measure: str) -> str:
    return f"{found.get('own', found[measure]):.0e}" if found else "–"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", nargs="?", default="run", choices=["run", "table", "one"])
    parser.add_argument("job", nargs="*", help="of one: measure, contestant, input files")
    parser.add_argument("--sizes", choices=sorted(SIZES), default="full")
    parser.add_argument("--only", choices=sorted(SPECTRA), help="one measure alone")
    parser.add_argument("--size", help="one size alone, such as 25600x2048; other runs are kept")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=2, help="of those over --slow-seconds")
    parser.add_argument("--slow-seconds", type=float, default=60.0)
    parser.add_argument("--limit-seconds", type=float, default=900.0, help="of one process")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser


def main() -> None:
    """Run the comparison, print the table of one, or (for itself) run one contestant."""
    options = _parser().parse_args()
    if options.command == "one":
        measure, key, *paths = options.job
        print(json.dumps(method.once(measure, key, [Path(p) for p in paths], options.device)))
        return
    if options.command == "run":
        result: dict[str, Any] = {
            "date": time.strftime("%Y-%m-%d"),
            "machine": method.machine(options.device),
            "options": {k: str(v) for k, v in vars(options).items() if k not in ("job", "out")},
            "runs": json.loads(options.out.read_text())["runs"] if options.size else [],
        }
        for measure, sizes in SIZES[options.sizes].items():
            for size in sizes if options.only in (None, measure) else []:
                if options.size not in (None, "x".join(map(str, size))):
                    continue
                print(f"{measure} {size}", file=sys.stderr, flush=True)
                run = compare(measure, size, options)
                same = [r["size"] == list(size) for r in result["runs"]]
                at = same.index(True) if True in same else len(same)
                result["runs"][at : at + 1] = [run]
                options.out.parent.mkdir(exist_ok=True)
                options.out.write_text(json.dumps(result, indent=1))
    print(table(json.loads(options.out.read_text())["runs"]))


if __name__ == "__main__":
    main()
