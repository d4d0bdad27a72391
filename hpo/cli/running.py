"""`goldilocks run`: the options of a study on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from hpo.cli import run_options as options
from hpo.cli.shell import STARTED, console, errors_as_messages, same_command


def run(
    data: options.Data = None,
    data_root: options.DataRoot = None,
    image_size: options.ImageSize = None,
    max_images: options.MaxImages = None,
    max_unreadable_share: options.MaxUnreadable = None,
    view: options.View = None,
    pipeline: options.Pipeline = None,
    method: options.Method = None,
    backbone: options.Backbone = None,
    weights: options.Weights = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    optimizer: options.Optimizer = None,
    accumulate: options.Accumulate = None,
    clip_norm: options.ClipNorm = None,
    compile: options.Compile = None,
    precision: options.Precision = None,
    preset: options.Preset = None,
    space: options.Space = None,
    search: options.Thaw = None,
    search_views: options.SearchViews = None,
    fix: options.Fix = None,
    warm_start: options.WarmStart = None,
    from_trials: options.FromTrials = None,
    trials: options.Trials = None,
    budget: options.Budget = None,
    sampler: options.Sampler = None,
    prune: options.Prune = None,
    rung_factor: options.RungFactor = None,
    rungs: options.Rungs = None,
    patience: options.Patience = None,
    filter: options.Filter = None,
    zone: options.Zone = None,
    filter_share: options.FilterShare = None,
    explore_share: options.ExploreShare = None,
    probe_share: options.ProbeShare = None,
    dry_run: options.DryRun = False,
    objective: options.Objective = None,
    labels: options.Labels = None,
    check_labels: options.CheckLabels = None,
    shortlist_share: options.ShortlistShare = None,
    probe_batch: options.ProbeBatch = None,
    probe_best: options.ProbeBest = None,
    probe_all: options.ProbeAll = None,
    probe_rungs: options.ProbeRungs = None,
    probe_images: options.ProbeImages = None,
    finalists: options.Finalists = None,
    replicates: options.Replicates = None,
    replicate_share: options.ReplicateShare = None,
    least_moved: options.LeastMoved = None,
    measure_images: options.MeasureImages = None,
    lidar_views: options.LidarViews = None,
    both_layers: options.BothLayers = None,
    out: options.Out = None,
    log: options.Log = None,
    storage: options.Storage = None,
    study_name: options.StudyName = None,
    keep: options.Keep = None,
    checkpoint_gib: options.CheckpointGib = None,
    seed: options.Seed = None,
    config: options.Config = None,
    device: options.Device = None,
    devices: options.Devices = None,
    workers: options.Workers = None,
    threads: options.Threads = None,
    loader_workers: options.LoaderWorkers = None,
    engine: options.Engine = None,
    address: options.Address = None,
    max_concurrent: options.MaxConcurrent = None,
    cpus_per_trial: options.CpusPerTrial = None,
    gpus_per_trial: options.GpusPerTrial = None,
    storage_path: options.StoragePath = None,
    cache_dir: options.CacheDir = None,
    cache_gib: options.CacheGib = None,
) -> None:
    """Search hyperparameters without labels and hand over the best backbone.

    The same command again goes on with the study in --out: nothing finished is repeated.
    """
    given = {k: v for k, v in locals().items() if k not in ("config", "view", "dry_run")}
    with errors_as_messages():
        given["fix"] = options.assignments("--fix", fix)
        given["views"] = options.assignments("--view", view)
        given["space"] = options.ranges(space)
        given["search"] = search or None
        given["log"] = log or None
        given["warm_start"] = warm_start or None
        if dry_run:
            _plan(config, given)
        else:
            _run(config, given)


def _plan(config_file: Path | None, given: dict[str, Any]) -> None:
    from hpo.config import load_config
    from hpo.plan import dry_run

    dry_run(load_config(config_file, given), console())


def _run(config_file: Path | None, given: dict[str, Any]) -> None:
    from hpo.config import load_config

    config = load_config(config_file, given)
    from hpo.interruption import Interrupted, stop_signals
    from hpo.progress import LiveProgress, PlainProgress
    from hpo.report import print_report
    from hpo.storage import StudyDirectory
    from hpo.study import run_study

    screen = console()
    progress = LiveProgress if screen.is_terminal else PlainProgress
    try:
        with stop_signals() as flag, progress(screen, config) as observer:
            study = run_study(config, observer=observer, flag=flag, started=STARTED)
    except (Interrupted, KeyboardInterrupt) as stopped:
        name = str(stopped) or "SIGINT"
        typer.echo(
            f"stopped by {name}; everything finished is kept. Go on with:\n  {same_command()}",
            err=True,
        )
        raise typer.Exit(143 if name == "SIGTERM" else 130) from None
    screen.print()
    print_report(screen, study, StudyDirectory(config.out), running=False)
