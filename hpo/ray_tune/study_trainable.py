"""A worker of a cluster: trains one trial of a study, step by step, and says what it measured."""

from __future__ import annotations

import gc
import os
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import torch
from ray.tune import Trainable
from ray.tune.result import SHOULD_CHECKPOINT
from threadpoolctl import threadpool_limits

from hpo.checkpoint import load_checkpoint, save_checkpoint
from hpo.devices import DeviceLostError
from hpo.errors import StudyMismatchError, in_a_line
from hpo.ray_tune.checkpoint_store import FILE, load_state
from hpo.ray_tune.parcel import receive
from hpo.ray_tune.reports import Report, Task
from hpo.sharing import trainings
from hpo.training import Diverged
from hpo.trial_training import TrialTraining, untrained_of
from hpo.workers.worker import sendable, unpack
from hpo.workload import prepare

_REPORT_EVERY_SECONDS = 2.0
_CHECKPOINT_EVERY_SECONDS = 60.0


def trainable_of(given: Task) -> type[StudyTrainable]:
    """Return the trainable of a study: a few kilobytes that travel with the class itself.

    Args:
        given: what its workers need to know.
    """

    class OfStudy(StudyTrainable):
        task = given

    return OfStudy


class StudyTrainable(Trainable):
    """Trains the trials of a study that a driver hands out; writes to no study.

    A step trains to the next rung and measures there, or for a few epochs where that takes long.
    A trial goes on from the checkpoint that its configuration names, or from the one that Ray
    restores it to. The driver is told in the report what is wrong and decides; all that raises is
    the loss of another of its devices, which is for Ray to mend as the loss of this process is.

    With `reuse_actors=True` trials that follow each other keep the images; each begins a training
    of its own, as in the workers of a study without Ray. `trainable_of` makes the class that Ray is
    given.

    Attributes:
        task: what all workers of the study need to know.
    """

    task: ClassVar[Task]

    def setup(self, config: dict[str, Any]) -> None:
        """Remember what to do; images are prepared in the first step."""
        self._open = ExitStack()
        self._actor, self._n_reports = uuid.uuid4().hex, 0
        self._prepared = False
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial, on the same images."""
        self._run: TrialTraining | None = None
        self._state: dict[str, Any] | None = None
        self._config, self._reported = new_config, 0
        self._n_images, self._train_seconds, self._measure_seconds = 0, 0.0, 0.0
        self._saved = time.monotonic()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next rung and measure, or for a few seconds."""
        try:
            report = self._advance()
        except Diverged as diverged:
            report = self._report(diverged=str(diverged))
        except DeviceLostError:
            raise  # as if this process had died: Ray starts it again, from the last checkpoint
        except (RuntimeError, MemoryError) as failure:
            # Python's and torch's own (out of memory, a failed factorisation) end one trial only.
            report = self._report(error=in_a_line(failure))
        except Exception as error:
            report = self._report(fault=sendable(error, f"the worker of trial {self._number}"))
        result = report.as_result()
        late = time.monotonic() - self._saved > _CHECKPOINT_EVERY_SECONDS
        if report.rung or (late and not (report.diverged or report.error or report.fault)):
            result[SHOULD_CHECKPOINT] = True
        return result

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Write the training as it is between two epochs."""
        if self._run is not None:
            save_checkpoint(Path(checkpoint_dir) / FILE, self._run.state())
            self._saved = time.monotonic()

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Go on from a checkpoint; it is used in the next step."""
        self._run, self._state = None, load_checkpoint(Path(checkpoint) / FILE)

    def cleanup(self) -> None:
        """Let the other devices go."""
        self._open.close()

    @property
    def _number(self) -> int:
        return int(self._config["number"])

    def _advance(self) -> Report:
        run = self._run or self._begin()
        rung = next((r for r in self.task.rungs if r > self._reported), self.task.rungs[-1])
        if str(rung) not in run.rungs:
            until = time.monotonic() + _REPORT_EVERY_SECONDS
            run.reach(rung, self._count, lambda epoch: time.monotonic() > until)
            if run.epoch < rung:
                return self._report()
            before = run.measure_seconds
            run.measure()
            self._measure_seconds += run.measure_seconds - before
        self._reported = rung
        return self._report(rung=rung, record=run.rungs[str(rung)])

    def _begin(self) -> TrialTraining:
        """Begin the training of the trial, from its newest checkpoint if there is one."""
        if not self._prepared:
            self._prepare()
        seed = self._config.get("seed")
        plan = self._workload.plan(self._config["hyperparameters"], seed)
        initial = untrained_of(self._workload, self._initial, plan)
        run = TrialTraining(self._begin_training(plan), self._workload.gauge, initial)
        url = self._config.get("checkpoint")
        if self._state is None and url:
            self._state = load_state(url)
        if self._state is not None:
            run.restore(self._state)
        self._run, self._state = run, None
        return run

    def _prepare(self) -> None:
        task = self.task
        if Path(task.folder).is_dir():
            os.chdir(task.folder)  # Ray has changed to a folder of the trial
        if task.threads is not None:
            torch.set_num_threads(task.threads)
            threadpool_limits(task.threads, user_api="blas")
        workload = prepare(task.config)
        if workload.identity != task.identity:
            raise StudyMismatchError(
                "data: the images on this node are not those that the study was started with; "
                "give every node the same files under the same path."
            )
        self._workload, self._initial = workload, unpack(receive(task.initial), workload.device)
        self._begin_training = self._open.enter_context(trainings(workload))
        self._prepared = True

    def _count(self, n_images: int, seconds: float) -> None:
        self._n_images += n_images
        self._train_seconds += seconds

    def _report(self, **said: Any) -> Report:
        self._n_reports += 1
        run = self._run
        spent: dict[str, Any] = {
            "n_images": self._n_images,
            "train_seconds": self._train_seconds,
            "measure_seconds": self._measure_seconds,
        }
        self._n_images, self._train_seconds, self._measure_seconds = 0, 0.0, 0.0
        if run is not None:
            spent["epoch"] = run.epoch
            spent["whole"] = (run.train_seconds, run.measure_seconds, run.n_images)
            spent["rungs_measured"] = tuple(sorted(int(rung) for rung in run.rungs))
        return Report(serial=f"{self._actor}-{self._n_reports}", **spent, **said)
