"""Retention on the disk: looks at a study and its checkpoints, and deletes what has to go."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import optuna

from hpo.config import StudyConfig
from hpo.errors import StorageError
from hpo.goldilocks import Candidate, eligible
from hpo.pruning.zone import EVERYWHERE, Zone
from hpo.record import TrialRow, read_rows
from hpo.retention.quota import GIB
from hpo.retention.rule import UNFINISHED, Policy, StoredTrial, retained
from hpo.storage import StudyDirectory

_CHECKPOINT = re.compile(r"trial-(\d{4,})(\.between)?\.(pt|partial)")
_FEATURES = re.compile(r"trial-\d{4,}-\d{4,}(\.\d+)?\.(safetensors|partial)")
_HALF_WRITTEN = "half written when a process died"


@dataclass(frozen=True)
class FileVerdict:
    """A file of a study that stays or goes.

    Args:
        path: where it is.
        n_bytes: its size.
        reason: why.
    """

    path: Path
    n_bytes: int
    reason: str


@dataclass(frozen=True)
class Cleaning:
    """What stays and what goes. A file whose name is none of ours is in neither."""

    keep: tuple[FileVerdict, ...]
    delete: tuple[FileVerdict, ...]


def apply_retention(
    study: optuna.Study,
    directory: StudyDirectory,
    config: StudyConfig,
    *,
    choosing: bool = True,
    running: bool = True,
) -> Cleaning:
    """Delete the checkpoints that a study no longer needs; see `hpo.retention.rule.retained`.

    Cheap and idempotent; several processes may call it at once, for one after the other gets its
    turn, each sees the study as it is then, and only trials that have ended lose anything. A file
    that vanished meanwhile is no error.

    Args:
        study: as recorded.
        directory: the study's.
        config: for `keep`, `checkpoint_gib`, `least_moved` and `zone`.
        choosing: whether the choice of this run is still to be made.
        running: whether trials recorded as running may be at work.

    Returns:
        What stayed and what went.

    Raises:
        ConfigError: when the quota is too small for what must stay.
        StorageError: when a file cannot be deleted.
    """
    if not directory.checkpoints.is_dir():
        return Cleaning((), ())
    with filelock.FileLock(directory.out / ".retention.lock"):
        plan = plan_cleaning(
            study,
            directory,
            policy_of(
                study, keep=config.keep, zone=config.zone, checkpoint_gib=config.checkpoint_gib
            ),
            least_moved=config.least_moved,
            choosing=choosing,
            running=running,
        )
        delete_files(plan.delete)
    return plan


def plan_cleaning(
    study: optuna.Study,
    directory: StudyDirectory,
    policy: Policy,
    *,
    least_moved: float,
    choosing: bool,
    running: bool,
) -> Cleaning:
    """Decide on every checkpoint file of a study; deletes nothing.

    Args:
        study: as recorded.
        directory: the study's.
        policy: how much is kept.
        least_moved: the smallest distance from initialisation that may be chosen.
        choosing: whether a choice is still to be made.
        running: whether a process is at work on the study; without one, half-written files go.
    """
    files = _files(directory.checkpoints)
    # After the files: a trial that ends in between is seen as ended, with fewer files than it has.
    rows = read_rows(study, running=running)
    attrs = study.user_attrs
    barred = eligible([_candidate(r) for r in rows if r.epoch > 0], least_moved=least_moved)
    trials = [_stored(row, files.get(row.number, ()), barred.get(row.number, "")) for row in rows]
    decided = retained(
        trials,
        policy,
        chosen=attrs.get("choice", {}).get("number"),
        shortlisted=attrs.get("shortlist", {}).get("numbers", ()),
        choosing=choosing,
    )
    stays = {verdict.number: verdict.reason for verdict in decided.keep}
    goes = {verdict.number: verdict.reason for verdict in decided.delete}
    at_work = {row.number for row in rows if row.state in UNFINISHED}
    keep, delete = [], []
    for number in sorted(files):
        for file in files[number]:
            superseded = _superseded(file, at_work=number in at_work, running=running)
            reason = goes.get(number) or superseded
            if reason:
                delete.append(FileVerdict(file.path, file.n_bytes, reason))
            else:
                why = stays.get(number, "no trial of the study has this number")
                keep.append(FileVerdict(file.path, file.n_bytes, why))
    return Cleaning(tuple(keep), tuple(delete))


def cached_features(folder: Path, *, half_written_only: bool) -> tuple[FileVerdict, ...]:
    """Return the cached features of probed backbones.

    Those of a checkpoint that is still there can be computed again. Those of an earlier rung, of
    which no checkpoint is kept, cannot; nothing reads them once their probe is recorded.

    Args:
        folder: of the cache.
        half_written_only: only what a process left that died while writing.
    """
    found = []
    for path, match, size in _named(folder, _FEATURES):
        if match.group(2) == "partial":
            found.append(FileVerdict(path, size, _HALF_WRITTEN))
        elif not half_written_only:
            found.append(
                FileVerdict(
                    path, size, "cached features; of an earlier rung they do not come again"
                )
            )
    return tuple(found)


def delete_files(files: Iterable[FileVerdict]) -> None:
    """Delete files; one that is gone already is no error.

    Raises:
        StorageError: when one cannot be deleted.
    """
    for file in files:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"{file.path}: cannot be deleted ({error.strerror or error}). Make its folder "
                "writable, then give the same command again."
            ) from error


def choice_is_made(rows: Sequence[TrialRow], attrs: Mapping[str, Any]) -> bool:
    """Whether a study's choice considered every trial that there is.

    Args:
        rows: all trials.
        attrs: of the study.
    """
    if attrs.get("choice") is None or any(row.state in UNFINISHED for row in rows):
        return False
    listed: Mapping[str, Any] = attrs.get("shortlist", {})
    judged = {*listed.get("numbers", ()), *(int(n) for n in listed.get("excluded", {}))}
    return all(
        row.number in judged for row in rows if row.state == "finished" and row.replicate_of is None
    )


def policy_of(
    study: optuna.Study, *, keep: int, zone: str | None, checkpoint_gib: float | None
) -> Policy:
    """Return how much of a study is kept.

    Args:
        study: for the direction of its objective.
        keep: trials kept once the choice is made.
        zone: of α, as in a configuration; None for one that is open at both ends.
        checkpoint_gib: of all checkpoints together; None for no limit.
    """
    minimised = study.direction == optuna.study.StudyDirection.MINIMIZE
    return Policy(
        keep=keep,
        direction="minimize" if minimised else "maximize",
        zone=EVERYWHERE if zone is None else Zone.parse(zone),
        quota_bytes=None if checkpoint_gib is None else int(checkpoint_gib * GIB),
    )


@dataclass(frozen=True)
class _File:
    path: Path
    n_bytes: int
    between: bool
    partial: bool


def _files(folder: Path) -> dict[int, list[_File]]:
    found: defaultdict[int, list[_File]] = defaultdict(list)
    for path, match, size in _named(folder, _CHECKPOINT):
        number, between, ending = match.groups()
        found[int(number)].append(_File(path, size, between is not None, ending == "partial"))
    return dict(found)


def _named(folder: Path, pattern: re.Pattern[str]) -> list[tuple[Path, re.Match[str], int]]:
    """Files of a folder whose whole name fits, with their sizes; none where there is no folder."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = pattern.fullmatch(path.name)
        if match is None or path.is_symlink() or not path.is_file():
            continue
        try:
            found.append((path, match, path.stat().st_size))
        except FileNotFoundError:
            continue  # gone since it was listed, which is what cleaning is for
    return found


def _superseded(file: _File, *, at_work: bool, running: bool) -> str:
    """Why a file is of no use even to a trial that is kept; empty when it is."""
    if file.partial and not (at_work and running):
        return _HALF_WRITTEN
    if file.between and not at_work:
        return "the trial has ended: only its last rung may be chosen"
    return ""


def _stored(row: TrialRow, files: Sequence[_File], barred: str) -> StoredTrial:
    return StoredTrial(
        number=row.number,
        state=row.state,
        epoch=row.epoch,
        objective=row.objective,
        alpha=row.alpha,
        n_bytes=sum(file.n_bytes for file in files),
        barred=barred,
        replicate=row.replicate_of is not None,
        accuracy=row.probe.get("cross_validated", float("nan")),
    )


def _candidate(row: TrialRow) -> Candidate:
    return Candidate(row.number, row.epoch, row.objective, row.alpha, row.moved)
