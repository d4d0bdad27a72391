"""How a value was measured, and the refusal to rank values that were measured differently."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, TypeAlias

from objectives.embeddings import ArrayLike, check_embeddings, check_views
from objectives.errors import InvalidArgumentError, ObjectivesError
from objectives.registry import get_measure

Scalar: TypeAlias = str | int | float | bool | None
Option: TypeAlias = Scalar | tuple[Scalar, ...]

_LEAST = {"n_samples": 1, "n_views": 1, "dim": 1, "epoch": 0}
_OPTIONAL = {"n_views", "views", "images", "epoch"}
_WHY = {
    "measure": "two measures have no common scale, nor always a common direction",
    "layer": "features and projector outputs have different spectra",
    "n_samples": "a rank grows with the number of samples, whatever was learned",
    "n_views": "the noise left in the mean of n_views views falls as 1 / n_views",
    "dim": "a rank grows with dim, so that a search over the projector's width would choose the "
    "width; measure the backbone, or fix the width",
    "dtype": "rounding the embeddings adds directions of noise",
    "options": "another convention is another number",
    "views": "the views are the noise that the measure is told to ignore",
    "images": "the value depends on the images as much as on the network",
    "epoch": "the value moves as training goes on; compare at equal epoch only",
}


@dataclass(frozen=True, kw_only=True)
class MeasurementRecord:
    """What a value depends on besides the network.

    None means unknown or not applicable and equals only None, so give what is known. A whole float
    among the options becomes an int, so that 1 and 1.0 have one digest.

    Attributes:
        measure: Name of the measure.
        layer: Where the embeddings were read: "backbone", "projector" or another name.
        n_samples: How many images were measured, at least 1.
        n_views: How many views of each, at least 1; None for a measure without views.
        dim: Size of one embedding, at least 1.
        dtype: Of the embeddings as they were given, such as "float32".
        options: Pairs of name and value, kept sorted: epsilon, delta, ranks, centred …
        views: Name or digest of the views' recipe, seed included.
        images: Digest of the images' ids, in order.
        epoch: Finished training epochs of the network, at least 0.

    Raises:
        InvalidArgumentError: A field has another type or is out of range; an option comes twice.

    Examples:
        >>> import torch
        >>> MeasurementRecord.of(torch.eye(9, 4), measure="rankme", layer="projector").digest()
        'f5bcd6388a1a'
    """

    measure: str
    layer: str
    n_samples: int
    n_views: int | None = None
    dim: int
    dtype: str
    options: tuple[tuple[str, Option], ...] = ()
    views: str | None = None
    images: str | None = None
    epoch: int | None = None

    def __post_init__(self) -> None:
        for name in ("measure", "layer", "dtype", "views", "images"):
            _check_text(getattr(self, name), name)
        for name in _LEAST:
            _check_count(getattr(self, name), name)
        object.__setattr__(self, "options", _canonical_options(self.options))

    @classmethod
    def of(
        cls,
        values: ArrayLike,
        *,
        measure: str,
        layer: str,
        options: Mapping[str, Option] | None = None,
        views: str | None = None,
        images: str | None = None,
        epoch: int | None = None,
    ) -> Self:
        """Describe a measurement; sizes and dtype are read off what is measured.

        Args:
            values: What the measure is given: embeddings (n_samples, dim) or views
                (n_samples, n_views, dim), floating, any device.
            measure: As in the class, like all that follow.
            layer: Where the embeddings were read.
            options: The measure's options by name, those left at their default included.
            views: Name or digest of the views' recipe.
            images: Digest of the images' ids.
            epoch: Finished training epochs.

        Raises:
            EmbeddingError: See `check_embeddings` and `check_views`.
            InvalidArgumentError: See the class.

        Examples:
            >>> import torch
            >>> MeasurementRecord.of(torch.ones(8, 3, 5), measure="lidar", layer="backbone").n_views
            3
        """
        grouped = getattr(values, "ndim", None) == 3
        check = check_views if grouped else check_embeddings
        checked = check(values, name="values")
        return cls(
            measure=measure,
            layer=layer,
            n_samples=checked.shape[0],
            n_views=checked.shape[1] if grouped else None,
            dim=checked.shape[-1],
            dtype=str(checked.dtype).removeprefix("torch."),
            options=tuple((options or {}).items()),
            views=views,
            images=images,
            epoch=epoch,
        )

    def to_json(self) -> str:
        """Return canonical JSON: sorted keys, no spaces, and floats that read back exactly."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return _canonical(plain | {"options": dict(self.options)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            InvalidArgumentError: Not JSON, a field missing or unknown, or see the class.
        """
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InvalidArgumentError(f"text: {error}; wanted what to_json writes.") from error
        names = {field.name for field in fields(cls)}
        given = set(found) if isinstance(found, dict) else set()
        if given != names or not isinstance(found["options"], dict):
            raise InvalidArgumentError(
                f"text: got {text}, wanted what to_json writes, with an object as options; "
                f"missing: {sorted(names - given)}, unknown: {sorted(given - names)}."
            )
        return cls(**found | {"options": tuple(found["options"].items())})

    def digest(self) -> str:
        """Return a short name of the record: 12 hex digits of the SHA-256 of its JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    def differences(self, other: "MeasurementRecord") -> tuple[str, ...]:
        """Name the fields that differ, then the options, each as "options.epsilon".

        Examples:
            >>> import torch
            >>> at = {"measure": "rankme", "layer": "projector"}
            >>> narrow = MeasurementRecord.of(torch.eye(9, 4), **at)
            >>> narrow.differences(MeasurementRecord.of(torch.eye(9), options={"epsilon": 0}, **at))
            ('dim', 'options.epsilon')
        """
        ours, theirs = _written(self), _written(other)
        return tuple(name for name in ours | theirs if ours.get(name) != theirs.get(name))


@dataclass(frozen=True)
class Measurement:
    """A value and how it was measured.

    Attributes:
        value: Of the measure itself, not of its distance to an optimum; nan where undefined.
        record: What the value depends on besides the network.
    """

    value: float
    record: MeasurementRecord


class IncomparableError(ObjectivesError, ValueError):
    """Values measured differently were to be ranked together.

    Attributes:
        first: The record of the first measurement.
        other: The first record that differs from it.
        index: Where `other` stands among the measurements.
        fields: What differs, as in `MeasurementRecord.differences`.
    """

    def __init__(self, first: MeasurementRecord, other: MeasurementRecord, index: int) -> None:
        self.first = first
        self.other = other
        self.index = index
        self.fields = first.differences(other)
        ours, theirs = _written(first), _written(other)
        found = "; ".join(
            f"{name} is {ours.get(name, 'absent')} in the first and {theirs.get(name, 'absent')} "
            f"in measurements[{index}] ({_WHY[name.partition('.')[0]]})"
            for name in self.fields
        )
        remedy = (
            "to combine several measures use objectives.consensus."
            if "measure" in self.fields
            else "measure them again alike, or pass force=True to rank them all the same."
        )
        super().__init__(f"measurements: {found}; wanted all measured alike: {remedy}")

    def __reduce__(self) -> tuple[type[Self], tuple[MeasurementRecord, MeasurementRecord, int]]:
        """Rebuild from the fields: workers send errors home pickled."""
        return type(self), (self.first, self.other, self.index)


def rank_measurements(measurements: Sequence[Measurement], *, force: bool = False) -> list[int]:
    """Rank networks by one measure, best first.

    Args:
        measurements: One a network, all with the same record.
        force: Rank values with different records too; never those of different measures, which
            `consensus` is for.

    Returns:
        The indices into `measurements`, best first by the measure's own direction. Undefined values
        (nan) come last; ties keep their order.

    Raises:
        IncomparableError: The records differ; the message says in what, and why that matters.
        UnknownMeasureError: The measure is not registered, so that its direction is unknown.

    Examples:
        >>> import torch
        >>> record = MeasurementRecord.of(torch.eye(9), measure="alpha_req", layer="backbone")
        >>> rank_measurements([Measurement(alpha, record) for alpha in (1.5, 0.25, 1.125)])
        [2, 0, 1]
    """
    if not measurements:
        return []
    first = measurements[0].record
    for index, measurement in enumerate(measurements):
        differing = first.differences(measurement.record)
        if "measure" in differing or (differing and not force):
            raise IncomparableError(first, measurement.record, index)
    measure = get_measure(first.measure)
    sign = -1.0 if measure.optimiser_direction == "maximize" else 1.0
    costs = [sign * measure.objective(measurement.value) for measurement in measurements]
    return sorted(range(len(costs)), key=lambda i: (math.isnan(costs[i]), costs[i]))


def _written(record: MeasurementRecord) -> dict[str, str]:
    """Fields, then options, each as its JSON: as the digest sees them, for in Python 1 == True."""
    names = [field.name for field in fields(record) if field.name != "options"]
    flat = {name: getattr(record, name) for name in names}
    flat |= {f"options.{name}": value for name, value in record.options}
    return {name: _canonical(value) for name, value in flat.items()}


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _canonical_options(options: Any) -> tuple[tuple[str, Option], ...]:
    found: dict[str, Option] = {}
    for name, value in options:
        _check_text(name, "options")
        if name in found:
            raise InvalidArgumentError(f"options: got {name!r} twice, wanted each option once.")
        many = isinstance(value, tuple | list)  # JSON hands tuples back as lists
        found[name] = tuple(_scalar(v, name) for v in value) if many else _scalar(value, name)
    return tuple(sorted(found.items()))


def _scalar(value: Any, name: str) -> Scalar:
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else float(value)
    if value is None or isinstance(value, str | int):
        return value
    raise InvalidArgumentError(
        f"options: got {value!r} for {name!r}, wanted a str, int, bool, None, finite float or a "
        "tuple of them; convert it, since a record must read back from JSON as it was."
    )


def _check_text(value: Any, name: str) -> None:
    unknown = value is None and name in _OPTIONAL
    if not unknown and not (isinstance(value, str) and value):
        raise InvalidArgumentError(f"{name}: got {value!r}, wanted text that is not empty.")


def _check_count(value: Any, name: str) -> None:
    unknown = value is None and name in _OPTIONAL
    # By its type: True is an int that would be written as true.
    if not unknown and not (type(value) is int and value >= _LEAST[name]):
        raise InvalidArgumentError(
            f"{name}: got {value!r}, wanted an int of at least {_LEAST[name]}; convert it."
        )
