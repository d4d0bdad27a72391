"""Features of the probe's images at each rung, kept where a study probes its trials on the way."""

from __future__ import annotations

from collections.abc import Callable

from hpo.embedding import embed
from hpo.methods import backbone_of
from hpo.prober import feature_cache
from hpo.probing import trial_backbone
from hpo.storage import StudyDirectory
from hpo.training import Training
from hpo.workload import Workload


def features_keeper(
    workload: Workload, directory: StudyDirectory, on_batch: Callable[[], None]
) -> Callable[[int, Training], None]:
    """Return what keeps a trial's features at a rung; nothing unless `probe_rungs` asks for it.

    A checkpoint holds the weights of the last rung alone, so what is to be probed of an earlier
    one is embedded when the trial is there. Labels are not looked at.

    Args:
        workload: with the images.
        directory: of the study.
        on_batch: called after each batch of images.

    Returns:
        A function of a trial's number and its training. Features that are not finite are not kept.
    """
    labelled = workload.probe
    if labelled is None or not workload.config.probe_rungs:
        return lambda number, training: None
    cache = feature_cache(directory, workload, labelled)

    def keep(number: int, training: Training) -> None:
        features, _ = embed(
            backbone_of(training.learner),
            None,
            labelled.images,
            workload.normalisation,
            device=workload.device,
            on_batch=on_batch,
        )
        if features.isfinite().all():
            cache.features(trial_backbone(number, training.epoch), lambda: features)

    return keep
