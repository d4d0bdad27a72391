"""From finished trials to one backbone: shortlist, probe where labels exist, choose, hand over."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import optuna
import torch
from torch import Tensor, nn

from hpo.backbones import build_backbone
from hpo.budget import Budget
from hpo.checkpoint import load_checkpoint
from hpo.embedding import embed
from hpo.errors import GoldilocksError
from hpo.export import export_backbone
from hpo.goldilocks import Candidate, Choice, Shortlist, choose, shortlist, shortlist_size
from hpo.meter import Meter
from hpo.observer import Observer
from hpo.probing import (
    ProbeSplit,
    cross_validated_accuracy,
    reported_accuracy,
    split_probe,
)
from hpo.record import PROBE, TrialRow, read_rows
from hpo.storage import StudyDirectory
from hpo.workload import LabelledImages, Workload
from objectives import get_measure


class NothingToChooseError(GoldilocksError, RuntimeError):
    """Raised when a search ended without a single trial that may be chosen."""


def candidates_of(rows: Sequence[TrialRow]) -> list[Candidate]:
    """Return the trials that may be compared: all measured at one epoch, none collapsed.

    They are the finished ones. When the budget ended before any finished, they are those at the
    highest rung that a living trial reached.
    """
    alive = [row for row in rows if row.epoch > 0 and row.state not in ("collapsed", "failed")]
    finished = [row for row in alive if row.state == "finished"]
    highest = max((row.epoch for row in alive), default=0)
    compared = finished or [row for row in alive if row.epoch == highest]
    return [Candidate(r.number, r.epoch, r.objective, r.alpha, r.moved) for r in compared]


def select(
    study: optuna.Study,
    directory: StudyDirectory,
    workload: Workload,
    untrained: nn.Module,
    meter: Meter,
    observer: Observer,
) -> None:
    """Choose a backbone and write it to `directory.chosen`.

    Every probe is recorded as soon as it is done, so that a second call repeats none.

    Args:
        study: searched.
        directory: the study's.
        workload: its images.
        untrained: the backbone all trials started from, BatchNorm calibrated.
        meter: counts the time.
        observer: who watches.

    Raises:
        NothingToChooseError: when no trial may be chosen.
    """
    config = workload.config
    measure = get_measure(config.objective)
    direction = measure.optimiser_direction
    candidates = candidates_of(read_rows(study, running=False))
    probing = _Probing(study, directory, workload, meter) if workload.probe else None
    if probing is not None:
        observer.note("probing the untrained backbone and plain pixels")
        probing.baselines(untrained)
    size = _size(workload, probing, len(candidates))
    listed = shortlist(candidates, size=size, direction=direction, least_moved=config.least_moved)
    _store_shortlist(study, listed)
    if not listed.numbers:
        raise NothingToChooseError(_explain_nothing(study, listed))
    by_number = {c.number: c for c in candidates}
    chosen_from = [by_number[number] for number in listed.numbers]
    accuracies: dict[int, float] = {}
    if probing is not None and config.labels:
        for number in listed.numbers:
            observer.note(f"probing trial {number}")
            accuracies[number] = probing.trial(number)["cross_validated"]
    choice = choose(
        chosen_from, direction=direction, objective=config.objective, probe_accuracy=accuracies
    )
    if probing is not None:
        probing.trial(choice.number)
    _hand_over(study, directory, workload, choice)


def _size(workload: Workload, probing: _Probing | None, n_candidates: int) -> int:
    config = workload.config
    reserve = Budget(config.budget_seconds, config.probe_share).probe_seconds
    if probing is None or not config.labels:
        return shortlist_size(n_candidates, share=config.shortlist_share)
    return shortlist_size(
        n_candidates,
        share=config.shortlist_share,
        reserve_seconds=None if reserve is None else reserve - probing.spent_on_baselines,
        probe_seconds=probing.probe_seconds,
    )


def _store_shortlist(study: optuna.Study, listed: Shortlist) -> None:
    study.set_user_attr(
        "shortlist",
        {
            "numbers": list(listed.numbers),
            "excluded": {str(number): reason for number, reason in listed.excluded.items()},
        },
    )


def _hand_over(
    study: optuna.Study, directory: StudyDirectory, workload: Workload, choice: Choice
) -> None:
    row = next(r for r in read_rows(study, running=False) if r.number == choice.number)
    state = load_checkpoint(directory.checkpoint(choice.number))
    export_backbone(directory.chosen, workload, row, choice, backbone_weights(state["training"]))
    study.set_user_attr("choice", {"number": choice.number, "reason": choice.reason})


def backbone_weights(training_state: dict[str, dict[str, Tensor]]) -> dict[str, Tensor]:
    """Take the backbone's weights, by torchvision's own names, out of a training state."""
    prefix = "backbone."
    return {
        name.removeprefix(prefix): tensor.contiguous()
        for name, tensor in training_state["learner"].items()
        if name.startswith(prefix)
    }


def _explain_nothing(study: optuna.Study, listed: Shortlist) -> str:
    rows = read_rows(study, running=False)
    lines = [
        f"  trial {row.number}: {listed.excluded.get(row.number) or row.reason or row.state}"
        for row in rows[:20]
    ]
    return (
        "no trial may be chosen:\n"
        + ("\n".join(lines) if lines else "  no trial was started")
        + "\nIf trials ran out of budget, give a larger --budget. If they have not moved away from "
        "initialisation, train longer (--epochs) or with a larger learning rate. If they "
        "collapsed, look at what was fixed with --fix."
    )


class _Probing:
    """Probes of backbones on the labelled images, each recorded in the study."""

    def __init__(
        self, study: optuna.Study, directory: StudyDirectory, workload: Workload, meter: Meter
    ) -> None:
        if workload.probe is None:
            raise ValueError("workload: has no labelled images to probe with.")
        self.study, self.directory, self.workload, self.meter = study, directory, workload, meter
        self.labelled: LabelledImages = workload.probe
        self.split: ProbeSplit = split_probe(self.labelled.labels, seed=workload.config.seed)
        self.probe_seconds = math.nan
        self.spent_on_baselines = 0.0

    def baselines(self, untrained: nn.Module) -> None:
        """Probe what the choice will be compared with; the first also tells what a probe costs."""
        first = self._once("untrained", lambda: self._features(untrained))
        pixels = self.labelled.images.flatten(1).float() / 255.0
        second = self._once("pixels", lambda: pixels)
        self.probe_seconds = first["seconds"]
        self.spent_on_baselines = first["seconds"] + second["seconds"]

    def trial(self, number: int) -> dict[str, float]:
        """Probe a trial's backbone as it was at its last rung."""

        def features() -> Tensor:
            state = load_checkpoint(self.directory.checkpoint(number))
            backbone = build_backbone(self.workload.backbone)
            backbone.load_state_dict(backbone_weights(state["training"]))
            return self._features(backbone.to(self.workload.device))

        return self._once(str(number), features)

    def _features(self, backbone: nn.Module) -> Tensor:
        features, _ = embed(
            backbone,
            None,
            self.labelled.images,
            self.workload.normalisation,
            device=self.workload.device,
            on_batch=self.meter.tick,
        )
        return features

    def _once(self, name: str, features: Callable[[], Tensor]) -> dict[str, float]:
        key = f"{PROBE}{name}"
        known: dict[str, float] | None = self.study.user_attrs.get(key)
        if known is not None:
            return known
        started = time.monotonic()
        with torch.no_grad():
            x = features()
        record = {
            "cross_validated": cross_validated_accuracy(x, self.labelled.labels, self.split),
            "reported": reported_accuracy(x, self.labelled.labels, self.split),
            "n_reported": float(len(self.split.report)),
            "seconds": time.monotonic() - started,
        }
        self.study.set_user_attr(key, record)
        self.meter.tick()
        return record
