"""A worker process: runs the trials that it is given and tells the study how they ended."""

from __future__ import annotations

import io
import os
import pickle
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue

import optuna
import torch
from threadpoolctl import threadpool_limits

from hpo.budget import Budget
from hpo.config import StudyConfig
from hpo.errors import GoldilocksError, StudyMismatchError
from hpo.interruption import Interrupted, StopFlag
from hpo.measuring import Initial
from hpo.meter import Clock, Phase
from hpo.place import place_of
from hpo.storage import StudyDirectory
from hpo.trial_runner import Reports, TrialRunner
from hpo.workers.messages import Broken, Changed, Done, End, Epoch, Event, Note, Order, Run, Stop
from hpo.workers.starting import ignore_signals
from hpo.workload import prepare


class WorkerError(GoldilocksError, RuntimeError):
    """Raised when a worker process cannot go on, with what it said."""


@dataclass(frozen=True)
class Task:
    """All that a worker process is started with.

    Args:
        worker: its number, from 0.
        config: the study's, as the parent prepared it.
        threads: of this process; None leaves it to torch.
        started: `time.monotonic()` of the parent's start, which is when the budget's time began.
        earlier_seconds: what earlier sessions took.
        identity: of the parent's workload; this process must find the same images.
        initial: the untrained network, as `pack` wrote it.
        phase: what part of the budget the trials are for.
    """

    worker: int
    config: StudyConfig
    threads: int | None
    started: float
    earlier_seconds: float
    identity: dict[str, object]
    initial: bytes
    phase: Phase = "search"


def pack(initial: Initial) -> bytes:
    """Write the untrained network as bytes; torch's own way through pipes would share memory."""
    buffer = io.BytesIO()
    torch.save(initial, buffer)
    return buffer.getvalue()


def unpack(packed: bytes, device: torch.device) -> Initial:
    """Read what `pack` wrote in a process of the same study."""
    initial: Initial = torch.load(io.BytesIO(packed), map_location=device, weights_only=False)
    return initial


def work(task: Task, connection: Connection) -> None:
    """Be a worker process until the parent has no more trials, asks to stop, or is gone."""
    ignore_signals()
    if task.threads is not None:
        torch.set_num_threads(task.threads)
        threadpool_limits(task.threads, user_api="blas")
    # Nothing is lost by ending at once: what a kill leaves behind is what this leaves behind.
    serve(task, connection, on_parent_gone=lambda: os._exit(1))


def serve(task: Task, connection: Connection, on_parent_gone: Callable[[], None]) -> None:
    """Run trials as the parent orders.

    Args:
        task: what this worker was started with.
        connection: to the parent.
        on_parent_gone: called, in a thread, once the parent has closed its end.
    """
    flag, orders = StopFlag(), SimpleQueue[Order]()
    listener = threading.Thread(
        target=_listen, args=(connection, flag, orders, on_parent_gone), daemon=True
    )
    listener.start()
    try:
        with StudyDirectory(task.config.out).worker_lock(task.worker):
            _run_trials(task, connection.send, flag, orders)
    except (Interrupted, BrokenPipeError):
        return
    except Exception as error:
        name = f"worker {task.worker}"
        cause = error.__cause__ and sendable(error.__cause__, name)
        connection.send(Broken(sendable(error, name), cause))


def _listen(
    connection: Connection,
    flag: StopFlag,
    orders: SimpleQueue[Order],
    on_parent_gone: Callable[[], None],
) -> None:
    while True:
        try:
            order: Order = connection.recv()
        except (EOFError, OSError):
            on_parent_gone()
            return
        if isinstance(order, Stop):
            flag.signal_name = order.reason
        orders.put(order)


def _run_trials(
    task: Task, send: Callable[[Event], None], flag: StopFlag, orders: SimpleQueue[Order]
) -> None:
    config, directory = task.config, StudyDirectory(task.config.out)
    workload = prepare(config, progress=lambda done, total: flag.check())
    if workload.identity != task.identity:
        raise StudyMismatchError(
            "data: the images are not those that the study was started with a moment ago; leave "
            "them alone while it runs, and give the same command again."
        )
    place = place_of(config)
    # The parent says it when a server is away.
    storage = place.open(check=flag.check, underway=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Everything is drawn when a trial arrives: this sampler is never asked.
    sampler = optuna.samplers.RandomSampler(seed=config.seed)
    study = optuna.load_study(study_name=place.study_name, storage=storage, sampler=sampler)
    clock = Clock(
        Budget.of(config),
        flag,
        started=task.started,
        earlier_seconds=task.earlier_seconds,
        heartbeat=storage.record_heartbeat,
    )
    clock.phase = task.phase
    reports = Reports(
        epoch=lambda number, epoch: send(Epoch(number, epoch)),
        changed=lambda: send(Changed()),
        note=lambda text: send(Note(text)),
    )
    initial = unpack(task.initial, workload.device)
    runner = TrialRunner(study, directory, workload, initial, clock, reports, worker=task.worker)
    while isinstance(order := orders.get(), Run):
        send(Done(runner.run(optuna.Trial(study, order.trial_id))))
    if not isinstance(order, End):
        flag.check()


def sendable(error: BaseException, worker: str) -> BaseException:
    """Return the error itself where it survives the way to the parent, else its words.

    Args:
        error: as it was raised.
        worker: where; noted with the trace.
    """
    trace = "".join(traceback.format_exception(error))
    try:
        copy: BaseException = pickle.loads(pickle.dumps(error))
    except Exception:  # whatever a foreign error's own constructor makes of its arguments
        copy = WorkerError(f"{worker}: {type(error).__name__}: {error}")
    copy.add_note(f"in {worker}:\n{trace}")
    return copy
