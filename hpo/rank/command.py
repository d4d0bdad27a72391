"""The body of `goldilocks rank`: one backbone after another, so that one is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from hpo.data import ImageSet, load_images
from hpo.errors import ConfigError, DataError, GoldilocksError, in_a_line
from hpo.interruption import Interrupted, StopFlag
from hpo.rank.candidate import Candidate, LoadOptions, load_candidate, untrained
from hpo.rank.conditions import Conditions, Measured, Untrained
from hpo.rank.fitted_input import parse_normalize
from hpo.rank.origin import Origin, common_size, origin_of
from hpo.rank.ranking import DEFAULT_MEASURE
from hpo.view_options import ViewOptions
from hpo.views import ViewPlan
from objectives import get_measure
from objectives.errors import ObjectivesError


@dataclass(frozen=True)
class RankOptions:
    """What a ranking is asked for.

    Args:
        data: as `load_images` takes it.
        data_root: likewise.
        image_size: side in pixels; None for the cards', else by the data.
        measure_images: measured on at most, >= 2; None: all of them.
        n_views: of each image, >= 2.
        views: options of the views by name.
        measures: the first ranks, the others are shown; empty for the usual ones.
        architecture: of files that name none.
        normalize: see `parse_normalize`.
        prefix: see `load_weights`.
        allow_partial: likewise.
        untrained: whether each architecture's untrained network is measured too.
        check_labels: whether probes are made of labelled images.
        across_widths: whether features of different widths are ranked together.
        seed: of everything that is drawn.
        device: auto, cpu or cuda.
    """

    data: str
    data_root: Path | None = None
    image_size: int | None = None
    measure_images: int | None = 1024
    n_views: int = 10
    views: Mapping[str, str] = field(default_factory=dict)
    measures: tuple[str, ...] = ()
    architecture: str | None = None
    normalize: str | None = None
    prefix: str | None = None
    allow_partial: bool = False
    untrained: bool = False
    check_labels: bool = False
    across_widths: bool = False
    seed: int = 0
    device: str = "auto"

    @property
    def measure(self) -> str:
        """The one that ranks."""
        return self.measures[0] if self.measures else DEFAULT_MEASURE


@dataclass(frozen=True)
class Ranking:
    """What came of it.

    Args:
        options: as they were asked for.
        conditions: under which all were measured.
        rows: what was measured, in the order of the command line; fresh networks come last.
        failed: by checkpoint, why it was not.
        stopped: name of the signal that ended it early; empty otherwise.
    """

    options: RankOptions
    conditions: Conditions
    rows: tuple[Measured, ...]
    failed: Mapping[str, str]
    stopped: str = ""


def rank_checkpoints(
    checkpoints: Sequence[str],
    options: RankOptions,
    *,
    flag: StopFlag | None = None,
    progress: Callable[[str, int, int], None] = lambda name, done, n: None,
) -> Ranking:
    """Measure backbones on the same images and views.

    One that cannot be read is left out and named. Weights are read one file after another.

    Args:
        checkpoints: see `origin_of`.
        options: what is asked for.
        flag: set when somebody asked to stop.
        progress: called with (checkpoint, how many are done, how many there are).

    Returns:
        What was measured up to the end, or until somebody asked to stop.

    Raises:
        ConfigError: for an impossible option.
        DataError: for images that cannot be measured on.
    """
    flag = flag or StopFlag()
    _check(checkpoints, options)
    reading = LoadOptions(parse_normalize(options.normalize), options.prefix, options.allow_partial)
    origins, failed = _origins(checkpoints, options.architecture)
    conditions = replace(_conditions(options, origins), on_batch=flag.check)
    rows: list[Measured] = []
    starts: dict[Hashable, tuple[str, Untrained]] = {}
    stopped = ""
    try:
        for number, origin in enumerate(origins):
            progress(origin.text, number, len(origins))
            flag.check()
            try:
                candidate = load_candidate(origin, conditions.images, reading)
                start = _start(candidate, conditions, starts) if options.untrained else None
                rows.append(_measured(candidate, conditions, start))
            except (GoldilocksError, ObjectivesError) as error:
                failed[origin.text] = str(error)
            except (Interrupted, MemoryError):
                raise
            except Exception as error:  # a network of anyone's can raise anything
                failed[origin.text] = f"measuring failed with {in_a_line(error)}"
    except (Interrupted, KeyboardInterrupt) as error:
        stopped = str(error) or "SIGINT"
    fresh = [_fresh(name, start) for name, start in starts.values()]
    in_order = {text: failed[text] for text in checkpoints if text in failed}
    return Ranking(options, conditions, (*rows, *fresh), in_order, stopped)


def _check(checkpoints: Sequence[str], options: RankOptions) -> None:
    twice = sorted({text for text in checkpoints if checkpoints.count(text) > 1})
    if twice:
        raise ConfigError(f"checkpoints: got {twice[0]} twice; wanted each once.")
    for name in options.measures:
        if get_measure(name).layer == "loss":
            raise ConfigError(f"measure: got {name!r}, which only a training knows.")
    if options.measure_images is not None and options.measure_images < 2:
        raise ConfigError(f"measure_images: got {options.measure_images}; wanted at least 2.")
    if options.n_views < 2:
        raise ConfigError(f"lidar_views: got {options.n_views}; wanted at least 2 of each image.")
    if options.device not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device: got {options.device!r}; wanted auto, cpu or cuda.")
    if options.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: got 'cuda', but torch sees no CUDA device here.")


def _origins(
    checkpoints: Sequence[str], architecture: str | None
) -> tuple[list[Origin], dict[str, str]]:
    origins, failed = [], {}
    for text in checkpoints:
        try:
            origins.append(origin_of(text, architecture))
        except GoldilocksError as error:
            failed[text] = str(error).removeprefix(f"{text}: ")
    return origins, failed


def _conditions(options: RankOptions, origins: Sequence[Origin]) -> Conditions:
    data = load_images(
        options.data,
        image_size=options.image_size or common_size(origins),
        data_root=options.data_root,
        with_labels=options.check_labels,
        max_images=options.measure_images,
        seed=options.seed,
    )
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    return Conditions(
        images=data.tensor(),
        recipe=_views(options, data.image_size).global_view,
        n_views=options.n_views,
        seed=options.seed,
        device=torch.device(auto if options.device == "auto" else options.device),
        centred=bool(origins) and all(origin.centred for origin in origins),
        labels=_labels(data) if options.check_labels else None,
    )


def _views(options: RankOptions, image_size: int) -> ViewPlan:
    """As in a study: digits are never mirrored."""
    defaults = {"hf_prob": 0.0} if options.data == "digits" else {}
    try:
        given = ViewOptions.model_validate(options.views).model_dump(exclude_none=True)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigError(f"view: {'; '.join(wrong)}.") from error
    return ViewPlan.for_size(image_size).changed({**defaults, **given})


def _labels(data: ImageSet) -> Tensor:
    labels = data.labels
    n_classes = 0 if labels is None else len(torch.unique(labels[labels >= 0]))
    if labels is None or n_classes < 2:
        raise DataError(
            f"check_labels: got {n_classes} class(es) among the {len(data)} images; wanted at "
            "least 2. Leave --check-labels out, or give --data with labels."
        )
    return labels


def _start(
    candidate: Candidate,
    conditions: Conditions,
    known: dict[Hashable, tuple[str, Untrained]],
) -> Untrained:
    """Measure each architecture's untrained network once, for each way to feed it."""
    there = candidate.network
    key = (candidate.spec, there.normalisation)
    if key not in known:
        fresh = conditions.untrained(untrained(candidate, conditions.seed))
        known[key] = candidate.architecture, fresh
    return known[key][1]


def _measured(candidate: Candidate, conditions: Conditions, start: Untrained | None) -> Measured:
    assessment, moved, accuracies = conditions.measure(candidate.network, start)
    origin = candidate.origin
    return Measured(
        name=origin.text,
        architecture=candidate.architecture,
        dim=candidate.spec.dim,
        assessment=assessment,
        method=origin.method,
        made_for=origin.made_for,
        normalised=candidate.normalised,
        sha256=candidate.sha256,
        notes=candidate.notes,
        moved=moved,
        accuracies=accuracies,
    )


def _fresh(name: str, start: Untrained) -> Measured:
    return Measured(
        name="untrained",
        architecture=name,
        dim=start.features.shape[1],
        assessment=start.assessment,
        is_untrained=True,
    )
