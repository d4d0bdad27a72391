"""What is known of a measure from studies with all labels, to be told where a study has none."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from importlib.resources import files

from hpo.errors import StorageError

_FILE = "prior.json"


@dataclass(frozen=True)
class PriorEvidence:
    """How a measure did in other studies, all of whose trials were probed.

    Args:
        measure: its name, as studies record it.
        n_studies: how many.
        tau_median: Kendall's τ-b with the linear probe, the median study, in [-1, 1].
        tau_lowest: the same, of the study where it did worst.
        tau_highest: the same, of the study where it did best.
        regret_points: of its pick, in points of accuracy, mean of the studies.
        random_regret_points: the same of a trial picked at random.
        source: where the figures are from.
    """

    measure: str
    n_studies: int
    tau_median: float
    tau_lowest: float
    tau_highest: float
    regret_points: float
    random_regret_points: float
    source: str


def read_priors(text: str | None = None) -> tuple[PriorEvidence, ...]:
    """Read what the package knows; nothing where it brings no such file, and nothing is claimed.

    Args:
        text: a JSON list of records with the fields of `PriorEvidence`; the package's own for None.

    Raises:
        StorageError: when the text is something else.

    >>> read_priors("[]")
    ()
    """
    if text is None:
        file = files("hpo.trust") / _FILE
        if not file.is_file():
            return ()
        text = file.read_text(encoding="utf-8")
    names = {f.name for f in fields(PriorEvidence)}
    try:
        records = json.loads(text)
        return tuple(PriorEvidence(**{name: r[name] for name in names}) for r in records)
    except (ValueError, TypeError, KeyError) as error:
        raise StorageError(
            f"{_FILE}: got something else than a list of records with {', '.join(sorted(names))} "
            f"({type(error).__name__}: {error}). Install the package again."
        ) from error
