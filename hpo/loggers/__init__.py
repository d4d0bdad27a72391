"""Studies in TensorBoard, MLflow and Weights & Biases, each by its own library.

A run a trial, grouped by study: hyperparameters, every measure at each rung, and how it ended and
why. The study stays the record: a thread beside the search brings the logger up to date with it, so
both engines and resumed studies log the same, and a server that is away is caught up with later.
"""

from hpo.loggers.choosing import LOGGERS, check_loggers, open_loggers
from hpo.loggers.keeping_up import KeepingUp
from hpo.loggers.logger import Logger
from hpo.loggers.trial_log import TrialLog, trial_logs
from hpo.loggers.watching import logging_to

__all__ = [
    "LOGGERS",
    "KeepingUp",
    "Logger",
    "TrialLog",
    "check_loggers",
    "logging_to",
    "open_loggers",
    "trial_logs",
]
