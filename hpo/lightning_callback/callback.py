"""The callback: what is done at which of Lightning's hooks."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

import optuna
from torch import Tensor

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.history import History, Reading
from hpo.lightning_callback.base import Callback
from hpo.lightning_callback.companions import check_companions
from hpo.lightning_callback.gauge import LoaderGauge
from hpo.lightning_callback.images import MeasuringImages
from hpo.lightning_callback.metric_log import MetricLog
from hpo.lightning_callback.network import Network, Part
from hpo.lightning_callback.rung import reading_at, stored_reading
from hpo.lightning_callback.schedule import Schedule
from hpo.lightning_callback.start import Start
from hpo.lightning_callback.strategies import check_strategy, copies_memory
from hpo.lightning_callback.taking import check_measures
from hpo.lightning_callback.telling import (
    agree_with_study,
    check_processes,
    check_trial,
    in_all_processes,
    last_report,
    stored_stop,
    tell,
)
from hpo.measuring import Measurement
from hpo.pruning import CollapseRule

_log = logging.getLogger(__name__)
_FAST_RUN_IMAGES = 64  # of `fast_dev_run`, which asks whether the code runs


class LabelFreeCallback(Callback):
    """Measures a Lightning training without labels, logs the values, and prunes an Optuna trial.

    Works with the trainers of `pytorch_lightning`, which Lightly brings, and of `lightning`, on
    one device or under DDP. Before the first step, every n epochs or steps, and at the end, the
    loader's images are sent through the network as it is, and nothing of the training notices:
    modes, BatchNorm statistics and random states are afterwards as they were. The values are
    logged as `goldilocks/NAME`, with `goldilocks/moved` (1 − CKA to the start) and
    `goldilocks/collapsed` (0 or 1), for `ModelCheckpoint` and `EarlyStopping` too.

    On epochs between two measures, what monitors a value sees the last one. Beside a validation of
    its own such a callback wants `check_val_every_n_epoch=1`, Lightning's default: values are
    logged as the epoch ends.

    The network before the first step is what collapse is judged by; it travels with the
    checkpoints, so that a resumed training is held against its true start.

    With a `trial` each measure is reported to it, at the finished epochs (or steps). A trial that
    its study prunes ends after the epoch as usual; then `fit` raises `optuna.TrialPruned`, in all
    processes. Only under `ddp_spawn` and `ddp_fork`, whose processes end with `fit`, it does not:
    there, and best of all everywhere, end the objective by `return callback.result()`.

    Args:
        loader: the images: a DataLoader, or another iterable that can be read again and again,
            of images, (images, …), or Lightly's (views, labels, filenames). Of a DataLoader all
            images of its data set are taken, in their order, each once, whatever its sampler.
        every_n_epochs: >= 1; 1 where neither this nor steps are given.
        every_n_steps: of the optimiser, >= 1.
        embed: what makes features of images: the name of an attribute of the module, or a function
            of (module, images); None for `backbone`.
        projector: what makes embeddings of features, likewise; None for `projection_head`, if there
            is one. Without one all measures read the features, about their mean.
        views: makes a view of an image (channels, height, width), or a list of views; None to
            take the loader's.
        n_views: that it is to make of each image, >= 2.
        measures: by name, see `objectives.MEASURES`. The first is the objective.
        objective: another one of them.
        trial: is told; None for no study. In several processes the same for all.
        on_collapse: "stop" ends the training, and tells the trial's sampler that the place is
            infeasible; "log" goes on.
        patience: rungs in a row at which a collapse near its threshold must be seen, >= 1.
        name: goes before the names of what is logged; two callbacks need two.
        centred: whether features are taken about their mean; None: without projector they are.
        seed: of the views.

    Attributes:
        values: what was measured last, by name.
        verdict: why the training was stopped, if it was.

    Raises:
        ConfigError: for an argument that is impossible, here or when `fit` begins.
        UnknownMeasureError: for an unknown measure.
    """

    def __init__(
        self,
        loader: Iterable[Any],
        *,
        every_n_epochs: int | None = None,
        every_n_steps: int | None = None,
        embed: Part | None = None,
        projector: Part | None = None,
        views: Callable[[Tensor], Tensor | Sequence[Tensor]] | None = None,
        n_views: int = 10,
        measures: Sequence[str] = ("guarded_alpha", "rankme", "alpha_req"),
        objective: str | None = None,
        trial: optuna.Trial | None = None,
        on_collapse: Literal["stop", "log"] = "stop",
        patience: int = 2,
        name: str = "goldilocks",
        centred: bool | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._schedule = Schedule(every_n_epochs, every_n_steps)
        names, self._objective = check_measures(measures, objective)
        images = MeasuringImages(loader, views, n_views, seed)
        self._gauge = LoaderGauge(images, names, centred)
        self._embed, self._projector = embed, projector
        if on_collapse not in ("stop", "log"):
            raise ConfigError(f"on_collapse: got {on_collapse!r}; wanted 'stop' or 'log'.")
        self._stops, self._collapse = on_collapse == "stop", CollapseRule(patience=patience)
        if trial is not None:
            check_trial(trial, self._objective)
        self._trial, self._metrics = trial, MetricLog(name)
        self._tells = False
        self._forget()

    def _forget(self) -> None:
        self._start: Start | None = None
        self._readings: list[Reading] = []
        self._measured_step = 0
        self.values: dict[str, float] = {}
        self.verdict: Decision = GO_ON

    @property
    def state_key(self) -> str:
        """What the state is stored under in a checkpoint."""
        return f"LabelFreeCallback({self._metrics.name})"

    def result(self) -> float:
        """Return the objective as it was measured last, to end an Optuna objective with.

        Raises:
            optuna.TrialPruned: where the training was stopped for its trial.
            ConfigError: where nothing was measured yet.
        """
        trial = self._trial
        verdict = self.verdict if trial is None else (stored_stop(trial) or self.verdict)
        if trial is not None and verdict.stop:
            raise optuna.TrialPruned(verdict.reason)
        if self._readings:
            return self._readings[-1].objective
        # Where processes of their own have trained, the trial has what they reported.
        reported = None if trial is None else last_report(trial)
        if reported is None:
            raise ConfigError("trainer: nothing was measured yet; call trainer.fit first.")
        return reported

    # Lightning's hooks, in the order in which they come.

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Check whatever can be checked before anything is trained."""
        if stage != "fit":
            return
        check_strategy(trainer)
        ours = [other for other in trainer.callbacks if isinstance(other, LabelFreeCallback)]
        telling = sum(other._trial is not None for other in ours)
        check_companions([other._metrics.name for other in ours], telling)
        Network.of(pl_module, self._embed, self._projector)
        self._tells = check_processes(self._trial, own_memory=copies_memory(trainer))
        if trainer.global_step == 0:
            self._forget()  # a new training; its checkpoint, if any, is loaded after this
        at_most = _FAST_RUN_IMAGES if trainer.fast_dev_run else None
        self._gauge = replace(self._gauge, at_most=at_most)
        self._gauge.check()

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Measure the network before the first step, unless a checkpoint says what it was."""
        if self._start is None:
            self._begin(trainer, pl_module)
        start, trial = self._start, self._trial
        if self._tells and start is not None and not trainer.fast_dev_run:
            record = self._gauge.record(start) | {"unit": self._schedule.unit}

            def ask() -> Decision:
                return GO_ON if trial is None else agree_with_study(trial, record)

            in_all_processes(trainer, ask)

    def _begin(self, trainer: Any, pl_module: Any) -> None:
        if trainer.ckpt_path is not None or trainer.global_step > 0:
            _log.warning(
                "%s: this training began without the callback, so its start is not known: only "
                "collapse that shows without it is seen, and moved is nan",
                self._metrics.name,
            )
            return
        network = Network.of(pl_module, self._embed, self._projector)
        self._start, found = self._gauge.start(network, trainer.global_rank, trainer.world_size)
        self._take(found)
        self._metrics.outside(trainer, self.values)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure after every n steps."""
        step = trainer.global_step
        if self._schedule.is_due_at_step(step) and step > self._measured_step:
            self._measure(trainer, pl_module, step)
            self._metrics.at_step(trainer, pl_module, self.values)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Measure after every n epochs, and after the last."""
        epochs = trainer.current_epoch + 1
        is_last = epochs == trainer.max_epochs or trainer.global_step == trainer.max_steps
        if self._schedule.is_due_after_epoch(epochs, is_last=is_last):
            self._measure(trainer, pl_module, epochs)
            self._metrics.at_epoch_end(trainer, pl_module, self.values)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Measure what was trained since the last measure, unless that was the reason to stop."""
        step = trainer.global_step
        if step > self._measured_step and not self.verdict.stop:
            # By now the last epoch counts as finished.
            epochs = trainer.current_epoch
            self._measure(trainer, pl_module, self._schedule.rung(epochs, step))
            self._metrics.outside(trainer, self.values)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Tell the objective that calls `fit` that its trial was pruned.

        Raises:
            optuna.TrialPruned: where it was.
        """
        pruned = self._tells and self.verdict.stop
        if stage == "fit" and pruned and not copies_memory(trainer):
            raise optuna.TrialPruned(self.verdict.reason)

    def state_dict(self) -> dict[str, Any]:
        """Return the start and what was seen so far, for a checkpoint."""
        if self._start is None:
            return {}
        return {
            "start": self._start.as_state(),
            "readings": [asdict(reading) for reading in self._readings],
            "measured_step": self._measured_step,
            "values": dict(self.values),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._start = Start.of_state(state_dict["start"])
        self._readings = [stored_reading(stored) for stored in state_dict["readings"]]
        self._measured_step = state_dict["measured_step"]
        self.values = dict(state_dict["values"])

    def _measure(self, trainer: Any, pl_module: Any, rung: int) -> None:
        self._measured_step = trainer.global_step
        network = Network.of(pl_module, self._embed, self._projector)
        rank, world_size = trainer.global_rank, trainer.world_size
        found = self._gauge.measure(network, self._start, rank, world_size)
        self._take(found)
        if not self.verdict.stop and not trainer.fast_dev_run:
            self._judge(trainer, reading_at(rung, found, self._start, self._objective))

    def _take(self, found: Measurement) -> None:
        collapsed = found.backbone.collapsed or found.projector.collapsed
        names = (*self._gauge.measures, "moved")
        self.values = {name: found.values.get(name, math.nan) for name in names}
        self.values["collapsed"] = float(collapsed)

    def _judge(self, trainer: Any, reading: Reading) -> None:
        self._readings.append(reading)
        verdict, trial = self._collapse.decide(reading, History(tuple(self._readings))), self._trial
        if verdict.stop and not self._stops:
            verdict = Decision(False, verdict.reason)
        if self._tells:
            first = verdict

            def ask() -> Decision:
                return first if trial is None else tell(trial, reading, first)

            verdict = in_all_processes(trainer, ask)
        if verdict.reason and trainer.is_global_zero:
            done = "stopped" if verdict.stop else "going on"
            where = f"{self._schedule.unit} {reading.epoch}"
            _log.warning("%s: %s at %s: %s", self._metrics.name, done, where, verdict.reason)
        if verdict.stop:
            self.verdict = verdict
            trainer.should_stop = True
