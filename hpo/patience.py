"""A database server that goes away while a study runs: waited for, and what it lost done again."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy import event

from hpo.database_errors import first_words
from hpo.errors import StorageError

PATIENCE_SECONDS = 300.0
_RETRY_SECONDS = 1.0
_MAX_TRIES = 5
# What Optuna's cached storage asks for, each in one transaction: all of it was done, or nothing.
_TRANSACTIONS = (
    "create_new_study", "delete_study", "get_all_studies", "get_study_directions",
    "get_study_id_from_name", "get_study_name_from_id", "get_study_system_attrs",
    "get_study_user_attrs", "get_trial", "get_trial_id_from_study_id_trial_number",
    "record_heartbeat", "set_study_system_attr", "set_study_user_attr",
    "set_trial_intermediate_value", "set_trial_state_values", "set_trial_system_attr",
    "set_trial_user_attr", "_create_new_trial", "_get_best_trial_id", "_get_stale_trial_ids",
    "_get_trials", "_set_trial_param",
)  # fmt: skip


class _LostError(StorageError):
    """Raised when a connection dies in a transaction.

    Args:
        message: for the user.
        undone: whether nothing of it can have happened.
    """

    def __init__(self, message: str, undone: bool) -> None:
        super().__init__(message)
        self.undone = undone

    def __reduce__(self) -> tuple[type[StorageError], tuple[str]]:
        # Told to another process, all that counts is the message.
        return StorageError, (str(self),)


class Patience:
    """Waits for a server that is away, wherever a connection is needed.

    Before each use a connection is tried (`pool_pre_ping`), and where it is dead a new one is asked
    for until there is one. A transaction in which the connection dies is begun anew, unless it died
    at the commit: then nobody knows whether it happened, doing it again could do it twice, and the
    study ends. The same command goes on with it.

    Args:
        name: of the database, for messages.
        say: told once when the server is away, and once when it is back.
        check: called while waiting; what it raises ends the wait.
        seconds: to wait at most.
    """

    def __init__(
        self,
        name: str,
        say: Callable[[str], None],
        check: Callable[[], None],
        seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._name, self._say, self._check, self._seconds = name, say, check, seconds
        self._given_up = False

    def watch(self, storage: RDBStorage) -> None:
        """Be patient from now on with a storage that has just been opened."""
        event.listen(storage.engine, "do_connect", self._connect)
        event.listen(storage.engine, "handle_error", self._explain)
        for name in _TRANSACTIONS:
            setattr(storage, name, _again_if_undone(getattr(storage, name)))

    def _connect(self, dialect: Any, record: Any, args: Any, kwargs: Any) -> Any:
        give_up, said = time.monotonic() + self._seconds, False
        while True:
            try:
                connection = dialect.connect(*args, **kwargs)
                break
            except dialect.loaded_dbapi.Error as error:
                self._check()
                # Whoever was told once that it is gone tidies up and ends, and does not wait again.
                if self._given_up or time.monotonic() >= give_up:
                    self._given_up = True
                    raise StorageError(self._away(first_words(error))) from error
                if not said:
                    said = True
                    self._say(f"{self._name} is away ({first_words(error)}); waiting for it")
            time.sleep(_RETRY_SECONDS)
        if said:
            self._say(f"{self._name} is back")
        return connection

    def _explain(self, context: Any) -> Exception | None:
        if not context.is_disconnect or context.is_pre_ping:
            return None
        # A commit has no statement.
        return _LostError(
            f"storage: {self._name} was lost in the middle of a write "
            f"({first_words(context.original_exception)}). What was recorded before is kept: the "
            "same command goes on.",
            undone=context.statement is not None,
        )

    def _away(self, why: str) -> str:
        return (
            f"storage: {self._name} was away for {self._seconds:.0f} s ({why}). What was recorded "
            "before is kept: once it is back, the same command goes on."
        )


def _again_if_undone(transaction: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(transaction)
    def call(*args: Any, **kwargs: Any) -> Any:
        for _ in range(_MAX_TRIES - 1):
            try:
                return transaction(*args, **kwargs)
            except _LostError as lost:
                if not lost.undone:
                    raise
        return transaction(*args, **kwargs)

    return call
