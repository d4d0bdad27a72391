"""Studies of any size in memory, as they are recorded, and pages taken apart."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from hpo.report.webpage import report_page
from hpo.storage import StudyDirectory
from tests.hpo.studies import tiny

RUNGS = (6, 18, 54)
LR = FloatDistribution(1e-5, 1e-1, log=True)
TEMPERATURE = FloatDistribution(0.05, 1.0)
WIDTH = CategoricalDistribution(("auto", 64, 128))
N_TRIALS = 60  # of the page that browsers see
_ENDS = ("finished", "halving", "finished", "zone", "finished", "collapse", "finished")
_MEASURES = ("guarded_rank", "alpha_req", "rankme", "lidar", "alignment", "uniformity")


def empty_study(out: Path, **options: Any) -> optuna.Study:
    """Return a study of the digits without trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    given = {"epochs": RUNGS[-1], "measure_images": 64, "max_images": 400}
    given |= {"objective": "guarded_rank", **options}
    study.set_user_attr("config", tiny(out, **given).model_dump(mode="json"))
    study.set_user_attr("images", {"train": 336, "measure": 64, "probe": 0, "skipped": 0})
    study.set_user_attr("session/0", {"seconds": 90.0, "workers": 2})
    return study


def add(study: optuna.Study, end: str = "finished", *, epoch: int = RUNGS[-1], **given: Any) -> int:
    """Add a trial: `params`, `distributions`, `reason`, `attrs` and any measure by its name."""
    number = len(study.get_trials(deepcopy=False))
    lr = 10 ** (-5 + 4 * ((number * 0.618) % 1))
    params = given.pop("params", {"lr": lr, "temperature": 0.05 + 0.9 * ((number * 0.414) % 1)})
    spaces = given.pop("distributions", {"lr": LR, "temperature": TEMPERATURE})
    attrs: dict[str, Any] = {"hyperparameters": dict(params) | {"weight_decay": 0.01}}
    attrs |= {"seconds": {"train": 1.0 * epoch, "measure": 1.0}, "images_per_second": 336.0}
    reason, more = given.pop("reason", ""), given.pop("attrs", {})
    values = {}
    for rung in [r for r in RUNGS if r <= epoch]:
        grown = rung / RUNGS[-1]
        measured = dict.fromkeys(_MEASURES, 1.0 + grown * (1 + math.sin(number)))
        measured |= {"alpha_req": 0.6 + grown * ((number * 0.37) % 1.2), "moved": 0.5 * grown}
        attrs[f"rung/{rung}"] = measured | given
        values[rung] = attrs[f"rung/{rung}"]["guarded_rank"]
    if end not in ("finished", "running"):
        kind = "error" if end == "failed" else end
        attrs["outcome"] = {"kind": kind, "reason": reason or f"{end} for a reason"}
    states = {"finished": TrialState.COMPLETE, "failed": TrialState.FAIL}
    state = states.get(end, TrialState.RUNNING if end == "running" else TrialState.PRUNED)
    value = values.get(epoch) if state == TrialState.COMPLETE else None
    study.add_trial(
        create_trial(
            state=state,
            value=value,
            params=params,
            distributions=spaces,
            intermediate_values=values,
            user_attrs={**attrs, **more},
        )
    )
    return number


def choose(study: optuna.Study, number: int, reason: str = "highest guarded_rank") -> None:
    rest = [t.number for t in study.get_trials(deepcopy=False) if t.number != number]
    excluded = {str(n): "place 9 of 9" for n in rest}
    study.set_user_attr("shortlist", {"numbers": [number], "excluded": excluded})
    study.set_user_attr("choice", {"number": number, "reason": reason, "ties": [], "spread": None})


def sized_study(out: Path, n: int, *, n_measures: int = 40) -> optuna.Study:
    """Return a study of n trials that ended in every way, with spectra of all of them; chosen 0."""
    study = empty_study(out)
    draw = np.random.default_rng(0)
    for number in range(n):
        end = _ENDS[number % len(_ENDS)]
        epoch = RUNGS[-1] if end == "finished" else RUNGS[number % 2]
        noise = {f"measure_{k}": float(draw.normal()) for k in range(n_measures)}
        eigenvalues = [float(k ** -(1 + number % 3 / 4)) for k in range(1, 65)]
        record = {"eigenvalues": eigenvalues, "ranks": [], "n_ranks": 64}
        width = WIDTH.choices[number % 3]
        params = {
            "lr": float(10 ** draw.uniform(-5, -1)),
            "temperature": 0.05,
            "projector_width": width,
        }
        params["temperature"] = float(draw.uniform(0.05, 1.0))
        add(
            study,
            end,
            epoch=epoch,
            params=params,
            distributions={"lr": LR, "temperature": TEMPERATURE, "projector_width": WIDTH},
            attrs={f"spectrum/{epoch}": record},
            **noise,
        )
    choose(study, 0)
    return study


@dataclass
class Page(HTMLParser):
    """A page taken apart by Python's own parser.

    Args:
        html: the page.
    """

    html: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _texts: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self._texts.append((self._open[-1] if self._open else "", data))

    @property
    def text(self) -> str:
        """What is to be read, without scripts and styles, in single spaces."""
        shown = (data for tag, data in self._texts if tag not in ("script", "style"))
        return " ".join(" ".join(shown).split())

    def texts(self, tag: str) -> list[str]:
        return [" ".join(data.split()) for kind, data in self._texts if kind == tag]

    def data(self) -> dict[str, Any]:
        """Return what the plots are drawn from; a nan in it fails."""
        first = self.html.index('id="report-data">') + len('id="report-data">')
        text = self.html[first : self.html.index("</script>", first)]

        def no_constant(name: str) -> None:
            raise AssertionError(name)

        found: dict[str, Any] = json.loads(text, parse_constant=no_constant)
        return found


def page_of(study: optuna.Study, out: Path, *, running: bool = False) -> Page:
    return Page(report_page(study, StudyDirectory(out), running=running))
