"""MLflow: a run a trial in an experiment of the study, where `MLFLOW_TRACKING_URI` says."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hpo.loggers.trial_log import TrialLog

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ENDS = {"finished": "FINISHED", "failed": "FAILED"}  # everything else was stopped: KILLED
_LONGEST_TAG = 5000


class MLflowLog:
    """Logs to the tracking server of the user's environment, or to what MLflow takes by default.

    Args:
        group: name of the experiment: the study's.
    """

    name = "mlflow"

    def __init__(self, group: str) -> None:
        self._group = group
        self._client: MlflowClient | None = None

    def start(self, log: TrialLog) -> str:
        """Create the run, with its hyperparameters."""
        from mlflow.entities import Param

        client = self._server()
        known = client.get_experiment_by_name(self._group)
        experiment = client.create_experiment(self._group) if known is None else known.experiment_id
        run: str = client.create_run(
            experiment,
            start_time=_milliseconds(log.began),
            run_name=log.name,
            tags={"study": self._group, "trial": str(log.number), "state": "running"},
        ).info.run_id
        given = [Param(name, str(value)) for name, value in log.hyperparameters.items()]
        client.log_batch(run, params=given)
        return run

    def has(self, run: str) -> bool:
        """Say whether the server has the run."""
        from mlflow.exceptions import MlflowException

        try:
            return self._server().get_run(run).info.lifecycle_stage == "active"
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return False
            raise

    def point(self, run: str, log: TrialLog, epoch: int, values: Mapping[str, float]) -> None:
        """Log a rung in one request."""
        from mlflow.entities import Metric

        now = _milliseconds(time.time())
        metrics = [Metric(name, value, now, epoch) for name, value in values.items()]
        self._server().log_batch(run, metrics=metrics)

    def end(self, run: str, log: TrialLog) -> None:
        """Log the outcome as tags, and end the run."""
        from mlflow.entities import Metric, RunTag

        client, now = self._server(), _milliseconds(time.time())
        tags = [RunTag(name, text[:_LONGEST_TAG]) for name, text in log.tags.items()]
        final = [
            Metric(f"final_{name}", value, now, log.last_epoch)
            for name, value in log.figures.items()
        ]
        client.log_batch(run, metrics=final, tags=tags)
        status = _ENDS.get(log.tags["state"], "KILLED")
        client.set_terminated(run, status=status, end_time=_milliseconds(log.finished))

    def close(self) -> None:
        """Let the client go."""
        self._client = None

    def _server(self) -> MlflowClient:
        if self._client is None:
            from mlflow import MlflowClient

            # Its remarks on tables being made would break into the table of trials.
            logging.getLogger("mlflow").setLevel(logging.WARNING)
            self._client = MlflowClient()
        return self._client


def _milliseconds(seconds: float) -> int:
    return round(1000 * (seconds if math.isfinite(seconds) else time.time()))
