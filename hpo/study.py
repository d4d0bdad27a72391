"""The Optuna engine: one study, its trials here or in workers, and what comes after them."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import optuna
import torch
from optuna.storages import RDBStorage

from hpo.belonging import check_place, open_shared_study
from hpo.budget import TIMES, Budget
from hpo.config import StudyConfig, to_yaml
from hpo.dashboard import describe_choice, name_the_objective
from hpo.errors import StorageError
from hpo.interruption import StopFlag
from hpo.loggers import check_loggers, logging_to
from hpo.meter import Meter
from hpo.observer import Observer, Silent
from hpo.place import Place, place_of
from hpo.plan import Facts, check_budget, measure_rates, plan_of
from hpo.record import read_rows
from hpo.replication import finished_replicates, runs_of
from hpo.retention import apply_retention
from hpo.search import Search
from hpo.selection import decide_and_hand_over, shortlist_and_finalists
from hpo.storage import StudyDirectory, check_same, open_study
from hpo.warm_start.recording import check_sources, record_points
from hpo.workers.crew import Crew, crew_of, uses_cuda
from hpo.workers.starting import start_method, warm_up
from hpo.workload import Workload, prepare
from objectives import get_measure

if TYPE_CHECKING:
    from hpo.ray_tune.cluster import Cluster

_MIN_FREE_BYTES = 32_000_000


def run_study(
    config: StudyConfig,
    *,
    observer: Observer | None = None,
    flag: StopFlag | None = None,
    started: float | None = None,
) -> optuna.Study:
    """Run a study to its end, or go on with the one in `config.out`.

    Args:
        config: the effective configuration.
        observer: who watches.
        flag: set by whoever may ask to stop.
        started: `time.monotonic()` from which this session's wall time counts; now by default.

    Returns:
        The study with the choice in its user attributes.

    Raises:
        GoldilocksError: for anything wrong with options, data, directory or budget.
        Interrupted: when `flag` was set; the same call goes on later.
    """
    started = time.monotonic() if started is None else started
    observer, flag = observer or Silent(), flag or StopFlag()
    check_loggers(config.log)
    if config.engine != "ray":
        return _run_study(config, crew_of(config), None, observer, flag, started)
    from hpo.ray_tune.cluster import Cluster

    with Cluster(config) as cluster:
        return _run_study(config, cluster.crew, cluster, observer, flag, started)


def _run_study(
    config: StudyConfig,
    crew: Crew,
    cluster: Cluster | None,
    observer: Observer,
    flag: StopFlag,
    started: float,
) -> optuna.Study:
    if crew.n_workers == 1 and crew.threads is not None:
        torch.set_num_threads(crew.threads)
    directory = StudyDirectory(config.out)
    directory.prepare()
    directory.check_free(_MIN_FREE_BYTES)
    with directory.lock(), ExitStack() as stack:
        directory.wait_for_workers(observer.note, flag.check)
        place = place_of(config)
        check_place(place)
        check_sources(config.warm_start, config, n_trials=config.from_trials)
        if place.elsewhere:
            config = config.model_copy(update={"study_name": place.study_name})
        if cluster is None and crew.n_workers > 1:
            warm_up(start_method(uses_cuda(config)))

        def decoding(done: int, total: int) -> None:
            flag.check()  # a large folder is read for minutes
            observer.decoding(done, total)

        workload = prepare(config, progress=decoding, note=observer.note)
        check_sources(config.warm_start, config, n_trials=config.from_trials, space=workload.space)
        storage = place.open(say=observer.note, check=flag.check)
        study = _open_study(storage, place, config)
        check_same(study, workload.identity)
        record_points(
            study,
            config.warm_start,
            config,
            workload.space,
            n_trials=config.from_trials,
            note=observer.note,
        )
        _store_config(study, directory, config, workload)
        name_the_objective(study)
        group = place.study_name if place.elsewhere else directory.out.absolute().name
        observer = stack.enter_context(logging_to(config.log, study, directory, group, observer))
        meter = Meter(
            study,
            Budget.of(config),
            flag,
            started=started,
            n_workers=crew.n_workers,
            heartbeat=storage.record_heartbeat,
            on_tick=observer.time,
        )
        try:
            search = Search(study, directory, workload, meter, observer, crew, flag, cluster)
            observer.note(search.describe())
            _check_budget(search)
            search.run()
            _choose(search)
            describe_choice(study, directory, observer.note)
        finally:
            meter.write()
            observer.rows(read_rows(study, running=False))
    return study


def _open_study(storage: RDBStorage, place: Place, config: StudyConfig) -> optuna.Study:
    direction = get_measure(config.objective).optimiser_direction
    if place.elsewhere:
        return open_shared_study(storage, place, direction=direction)
    return open_study(storage, direction=direction)


def _check_budget(search: Search) -> None:
    """Refuse a budget that fits nothing, before anything is trained."""
    units = search.budget.limits.units
    if not units or search.study.get_trials(deepcopy=False):
        return
    workload = search.workload
    facts = Facts(
        n_train=len(workload.train),
        n_measure=len(workload.gauge.images),
        n_labelled=0 if workload.probe is None else len(workload.probe.images),
        n_workers=search.crew.n_workers,
    )
    timed = any(unit in TIMES for unit in units)
    rates = measure_rates(workload) if timed else None
    check_budget(plan_of(search.config, facts, rates))


def _choose(search: Search) -> None:
    """Shortlist, repeat the finalists as far as the budget goes, choose, hand over, tidy up."""
    online = search.filter
    search.observer.phase("probing")
    selected = shortlist_and_finalists(online)
    search.replicate(selected.numbers)
    again = finished_replicates(search.study, selected.numbers)
    accuracies = dict(selected.accuracies)
    if online.prober is not None and accuracies:
        for number in again:
            accuracies[number] = online.prober.trial(number)["cross_validated"]
    runs = runs_of(search.study, selected.numbers, accuracies) if again else None
    decide_and_hand_over(online, selected, runs)
    apply_retention(search.study, search.directory, search.config, choosing=False, running=False)


def _store_config(
    study: optuna.Study, directory: StudyDirectory, config: StudyConfig, workload: Workload
) -> None:
    study.set_user_attr("config", config.model_dump(mode="json"))
    study.set_user_attr("measured_as", workload.gauge.record())
    study.set_user_attr(
        "images",
        {
            "train": len(workload.train),
            "measure": len(workload.gauge.images),
            "probe": 0 if workload.probe is None else len(workload.probe.images),
            "skipped": workload.n_skipped,
        },
    )
    try:
        directory.config_file.write_text(to_yaml(config), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{directory.config_file}: cannot be written ({error}).") from error
