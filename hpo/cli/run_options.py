"""The options of `goldilocks run` as its help shows them, in panels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hpo.errors import ConfigError

_IMAGES, _METHOD, _SEARCH = "Images and views", "Method and training", "What is searched"
_LIMITS, _CHOICE, _MACHINE = "Limits and pruning", "Measures and choice", "Machine"


def _option(panel: str, text: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, metavar=metavar)


_DATA = "digits, a folder of images, FILE.npz or torchvision:NAME. Default: digits."
_ROOT = "Where the files of torchvision:NAME lie. Default: ./data."
_VIEW = "Set an option of the views; may be repeated."
_PIPELINE = "batched, or lightly for Lightly's own transforms. Default: batched."
Data = Annotated[str | None, _option(_IMAGES, _DATA)]
DataRoot = Annotated[Path | None, _option(_IMAGES, _ROOT)]
ImageSize = Annotated[int | None, _option(_IMAGES, "Side in pixels. Default: by data.")]
MaxImages = Annotated[int | None, _option(_IMAGES, "Use at most this many images.")]
MaxUnreadable = Annotated[
    float | None, _option(_IMAGES, "Share of unreadable images to put up with. Default: 0.01.")
]
View = Annotated[list[str] | None, _option(_IMAGES, _VIEW, "--view", metavar="NAME=VALUE")]
Pipeline = Annotated[str | None, _option(_IMAGES, _PIPELINE)]

_NAME = "simclr, byol, … (goldilocks spaces lists them) or FILE.py:BUILDER. Default: simclr."
_BACKBONE = "resnet18, vit_tiny, … (README), timm:NAME or FILE.py:NAME. Default: by device."
_WEIGHTS = "Start from these weights: a .safetensors, .pt or .pth file."
_ACCUMULATE = "Parts a batch is cut into to spare memory. Default: 1."
_PRECISION = "auto, bfloat16 or float32. Default: bfloat16 where the hardware gains by it."
_COMPILE = "torch.compile the training where a trial is long enough to gain by it."
Method = Annotated[str | None, _option(_METHOD, _NAME)]
Backbone = Annotated[str | None, _option(_METHOD, _BACKBONE)]
Weights = Annotated[Path | None, _option(_METHOD, _WEIGHTS)]
Epochs = Annotated[int | None, _option(_METHOD, "Epochs of a whole training. Default: 54.")]
BatchSize = Annotated[int | None, _option(_METHOD, "Images per step. Default: 128.")]
Optimizer = Annotated[str | None, _option(_METHOD, "adamw, lars or sgd. Default: adamw.")]
Accumulate = Annotated[int | None, _option(_METHOD, _ACCUMULATE)]
ClipNorm = Annotated[float | None, _option(_METHOD, "Largest norm of a gradient. Default: none.")]
Precision = Annotated[str | None, _option(_METHOD, _PRECISION)]
Compile = Annotated[bool | None, _option(_METHOD, _COMPILE, "--compile")]

_PRESET = "default, quick, wide, a paper's grid, or a FILE.yaml of your own. Default: default."
_SPACE = "Another range or other choices; may be repeated."
_THAW = "Search a hyperparameter that is held by default; may be repeated."
_FIX = "Fix a hyperparameter; may be repeated."
Preset = Annotated[str | None, _option(_SEARCH, _PRESET)]
Space = Annotated[
    list[str] | None, _option(_SEARCH, _SPACE, "--space", metavar="NAME=LOW..HIGH|A,B,C")
]
Thaw = Annotated[list[str] | None, _option(_SEARCH, _THAW, "--search", metavar="NAME")]
SearchViews = Annotated[
    bool | None, _option(_SEARCH, "Search the views' options as well.", "--search-views")
]
Fix = Annotated[list[str] | None, _option(_SEARCH, _FIX, "--fix", metavar="NAME=VALUE")]

_BUDGET = "Of the whole study: 8h, 500 epochs, 2M images, 40 gpu-hours; several with commas."
_ZONE = "Where α should lie. Default: anywhere, and with --labels what rounds of probes teach."
_FILTER_SHARE = "Share of the trials outside the zone that go on, the closest. Default: 0.667."
_EXPLORE = "Share of the trials that the filter lets pass, to learn from. Default: 0.1."
_PATIENCE = "Rungs in a row that must show a collapse close to its threshold. Default: 2."
_PROBE_BATCH = "Finished trials that make a round of probes. Default: 4."
_PROBE_BEST = "With --labels: no rounds; probe so many after the search, the best."
_PROBE_RUNGS = "And all trials at each rung that they reach, with --probe-all."
_PROBE_IMAGES = "Labelled images that only probes see. Default: one in five, at most 5000."
_BOTH_LAYERS = "Take every measure of backbone and projector, for tables."
_REPLICATES = "Other seeds for each finalist. Default: 2 where the budget has room, else none."
_REPLICATE_SHARE = "Share of the budget kept for them. Default: 0.1."
_KEEP = "Finished trials whose checkpoints are kept, the best. Default: 5."
_CHECKPOINT_GIB = "Most space for checkpoints, in GiB. Default: no limit."
_DRY_RUN = "Print the plan and what the budget allows, and train nothing."
_FROM = "Begin with the best of an older study: its OUT, or URL#NAME; may be repeated."
_FROM_TRIALS = "Trials to take of each older study, the chosen first. Default: 3."
WarmStart = Annotated[
    list[str] | None, _option(_SEARCH, _FROM, "--from", "--warm-start", metavar="OUT2")
]
FromTrials = Annotated[int | None, _option(_SEARCH, _FROM_TRIALS)]
Trials = Annotated[
    int | None, _option(_LIMITS, "Trials at most. Default: 16, or none with a budget.")
]
Budget = Annotated[str | None, _option(_LIMITS, _BUDGET)]
RungFactor = Annotated[
    int | None, _option(_LIMITS, "One trial in this many goes on at a rung. Default: 3.")
]
Rungs = Annotated[int | None, _option(_LIMITS, "Rungs at most, the last at the end. Default: 4.")]
ProbeShare = Annotated[
    float | None, _option(_LIMITS, "Share of the budget kept for probing. Default: 0.1.")
]

Sampler = Annotated[str | None, _option(_LIMITS, "tpe or random. Default: tpe.")]
Prune = Annotated[
    bool | None, _option(_LIMITS, "Stop collapsed trials and those that fall behind. Default: yes.")
]
Filter = Annotated[
    bool | None,
    _option(_LIMITS, "Stop trials whose α is far from the zone, if there is one. Default: yes."),
]
Zone = Annotated[str | None, _option(_LIMITS, _ZONE, metavar="LOW..HIGH")]
FilterShare = Annotated[float | None, _option(_LIMITS, _FILTER_SHARE)]
ExploreShare = Annotated[float | None, _option(_LIMITS, _EXPLORE)]
Patience = Annotated[int | None, _option(_LIMITS, _PATIENCE)]
DryRun = Annotated[bool, _option(_LIMITS, _DRY_RUN, "--dry-run")]

_OBJECTIVE = "guarded_alpha, guarded_rank, rankme, lidar, … (README). Default: guarded_alpha."
_SHORTLIST = "Share of the finished trials shortlisted. Default: 0.333."
_MOVED = "Least distance from initialisation of a choice, 0 to 1. Default: 0.1."
_CHECK = "Choose without labels, then say how well it went."
Objective = Annotated[str | None, _option(_CHOICE, _OBJECTIVE)]
Labels = Annotated[
    bool | None, _option(_CHOICE, "Let linear probes of a few trials choose.", "--labels")
]
CheckLabels = Annotated[bool | None, _option(_CHOICE, _CHECK, "--check-labels")]
ShortlistShare = Annotated[float | None, _option(_CHOICE, _SHORTLIST)]
LeastMoved = Annotated[float | None, _option(_CHOICE, _MOVED)]
MeasureImages = Annotated[
    int | None, _option(_CHOICE, "Images that only the measures see, at most. Default: 1024.")
]
LidarViews = Annotated[int | None, _option(_CHOICE, "Views an image for LiDAR. Default: 10.")]

ProbeBatch = Annotated[int | None, _option(_CHOICE, _PROBE_BATCH)]
ProbeBest = Annotated[int | None, _option(_CHOICE, _PROBE_BEST)]
ProbeAll = Annotated[
    bool | None, _option(_CHOICE, "Probe every finished trial, for tables.", "--probe-all")
]
ProbeRungs = Annotated[bool | None, _option(_CHOICE, _PROBE_RUNGS, "--probe-rungs")]
ProbeImages = Annotated[int | None, _option(_CHOICE, _PROBE_IMAGES)]
BothLayers = Annotated[bool | None, _option(_CHOICE, _BOTH_LAYERS, "--both-layers")]
Finalists = Annotated[
    int | None, _option(_CHOICE, "Trials that are repeated under other seeds. Default: 3.")
]
Replicates = Annotated[int | None, _option(_CHOICE, _REPLICATES)]
ReplicateShare = Annotated[float | None, _option(_CHOICE, _REPLICATE_SHARE)]

_OUT = "Directory of the study. Default: studies/study."
_LOG = "Log trials to tensorboard, mlflow or wandb as well; may be repeated."
_CONFIG = "YAML file with any of these options; this line wins."
_CACHE = "Where decoded images are kept. Default: ~/.cache/goldilocks-hpo."
_GIB = "Most space for them, in GiB; larger folders are streamed. Default: 32."
_ENGINE = "optuna on this machine, or ray on a cluster. Default: optuna."
_ADDRESS = "Of a running Ray cluster; auto finds it. Default: Ray is started here."
_MAX_CONCURRENT = "Trials at once on it. Default: as many as fit."
_CPUS = "Processor cores a trial asks for, at least one a device. Default: 1."
_GPUS = "GPUs, or a share of one, likewise. Default: 1 on CUDA, else 0."
_DATABASE = "Database of the study, without a password: postgresql+psycopg://USER@HOST/DATABASE, …"
_DATABASE += " Default: OUT/study.db."
_STUDY_NAME = "Name of the study in it. Default: the last part of OUT."
_STORAGE = "Folder or URL that all nodes share, for checkpoints. Default: OUT/ray."
Out = Annotated[Path | None, _option(_MACHINE, _OUT)]
Log = Annotated[list[str] | None, _option(_MACHINE, _LOG, "--log", metavar="NAME")]
Storage = Annotated[str | None, _option(_MACHINE, _DATABASE, metavar="URL")]
StudyName = Annotated[str | None, _option(_MACHINE, _STUDY_NAME, metavar="NAME")]
Keep = Annotated[int | None, _option(_MACHINE, _KEEP)]
CheckpointGib = Annotated[float | None, _option(_MACHINE, _CHECKPOINT_GIB)]
Seed = Annotated[int | None, _option(_MACHINE, "Seed of everything. Default: 0.")]
Config = Annotated[Path | None, _option(_MACHINE, _CONFIG)]
Device = Annotated[str | None, _option(_MACHINE, "auto, cpu or cuda. Default: auto.")]
Devices = Annotated[int | None, _option(_MACHINE, "Devices each trial trains on. Default: 1.")]
Workers = Annotated[
    int | None, _option(_MACHINE, "Trials at once. Default: as many as cores; on CUDA 1.")
]
Threads = Annotated[
    int | None, _option(_MACHINE, "CPU threads of each worker. Default: cores / workers.")
]
LoaderWorkers = Annotated[
    int | None,
    _option(_MACHINE, "Processes that load for --pipeline lightly. Default: threads - 1."),
]
Engine = Annotated[str | None, _option(_MACHINE, _ENGINE)]
Address = Annotated[str | None, _option(_MACHINE, _ADDRESS)]
MaxConcurrent = Annotated[int | None, _option(_MACHINE, _MAX_CONCURRENT)]
CpusPerTrial = Annotated[float | None, _option(_MACHINE, _CPUS)]
GpusPerTrial = Annotated[float | None, _option(_MACHINE, _GPUS)]
StoragePath = Annotated[str | None, _option(_MACHINE, _STORAGE)]
CacheDir = Annotated[Path | None, _option(_MACHINE, _CACHE)]
CacheGib = Annotated[float | None, _option(_MACHINE, _GIB)]


def assignments(option: str, given: list[str] | None) -> dict[str, str] | None:
    """Read NAME=VALUE pairs.

    Args:
        option: they were given for, for messages.
        given: the texts; None when there were none.

    Raises:
        ConfigError: for a text that is no such pair.

    >>> assignments("--fix", ["lr=1e-3"])
    {'lr': '1e-3'}
    """
    if not given:
        return None
    pairs = {}
    for text in given:
        if text.endswith((".yaml", ".yml")):
            raise ConfigError(f"{option}: got the file {text}; give it as --preset {text}.")
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ConfigError(f"{option}: got {text!r}; wanted NAME=VALUE, such as lr=0.001.")
        pairs[name.strip()] = value.strip()
    return pairs


def ranges(given: list[str] | None) -> dict[str, Any] | None:
    """Read NAME=LOW..HIGH and NAME=A,B,C as the changes of a search space.

    >>> ranges(["lr=1e-4..1e-2", "queue=256,1024"])
    {'lr': {'low': 0.0001, 'high': 0.01}, 'queue': [256, 1024]}
    """
    pairs = assignments("--space", given)
    if pairs is None:
        return None
    return {name: _change(name, value) for name, value in pairs.items()}


def _change(name: str, value: str) -> dict[str, float | int | str] | list[float | int | str]:
    low, dots, high = value.partition("..")
    if dots:
        ends = {"low": _number_or_word(low), "high": _number_or_word(high)}
        if any(isinstance(end, str) for end in ends.values()):
            raise ConfigError(f"--space: got {name}={value}; wanted numbers, as in 1e-4..1e-2.")
        return ends
    if "," not in value:
        raise ConfigError(
            f"--space: got {name}={value}; wanted LOW..HIGH or A,B,C. For one value give "
            f"--fix {name}={value}."
        )
    return [_number_or_word(choice) for choice in value.split(",")]


def _number_or_word(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip()
