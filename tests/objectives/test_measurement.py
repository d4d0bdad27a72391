"""Records of how a value was measured, and the refusal to rank unlike ones."""

import dataclasses
import hashlib
import itertools
import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from objectives.errors import (
    EmbeddingError,
    InvalidArgumentError,
    ObjectivesError,
    UnknownMeasureError,
)
from objectives.measurement import (
    IncomparableError,
    Measurement,
    MeasurementRecord,
    Option,
    rank_measurements,
)
from tests.objectives.builders import QUICK, gaussian

RECORD = MeasurementRecord(
    measure="lidar",
    layer="backbone",
    n_samples=1000,
    n_views=10,
    dim=128,
    dtype="float32",
    options=(("epsilon", 1e-7), ("delta", 1e-4), ("ranks", (4, 100)), ("centred", False)),
    views="crop-7",
    images="0a1b",
    epoch=5,
)
JSON = (
    '{"dim":128,"dtype":"float32","epoch":5,"images":"0a1b","layer":"backbone","measure":"lidar",'
    '"n_samples":1000,"n_views":10,"options":{"centred":false,"delta":0.0001,"epsilon":1e-07,'
    '"ranks":[4,100]},"views":"crop-7"}'
)
OTHERWISE: dict[str, Any] = {
    "measure": "rankme",
    "layer": "projector",
    "n_samples": 999,
    "n_views": None,
    "dim": 256,
    "dtype": "float64",
    "views": "crop-8",
    "images": None,
    "epoch": 6,
}


def changed(**fields: Any) -> MeasurementRecord:
    return dataclasses.replace(RECORD, **fields)


def with_values(measure: str, values: list[float], **fields: Any) -> list[Measurement]:
    return [Measurement(value, changed(measure=measure, **fields)) for value in values]


# The record


def test_the_json_is_canonical_and_the_digest_is_of_it() -> None:
    assert RECORD.to_json() == JSON
    assert RECORD.digest() == hashlib.sha256(JSON.encode()).hexdigest()[:12]
    assert MeasurementRecord.from_json(JSON) == RECORD


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
)
OPTIONS = st.dictionaries(
    st.text(min_size=1, max_size=5), SCALARS | st.lists(SCALARS, max_size=3).map(tuple), max_size=5
)


@QUICK
@given(options=OPTIONS, epoch=st.none() | st.integers(0), views=st.none() | st.just("γ"))
def test_json_reads_back_whatever_the_options(
    options: dict[str, Option], epoch: int | None, views: str | None
) -> None:
    record = changed(options=tuple(options.items()), epoch=epoch, views=views)
    again = MeasurementRecord.from_json(record.to_json())
    assert again == record
    assert hash(again) == hash(record)
    assert again.digest() == record.digest()
    assert again.differences(record) == ()
    assert pickle.loads(pickle.dumps(record)) == record


@QUICK
@given(st.permutations(RECORD.options))
def test_the_order_of_the_options_does_not_count(
    options: list[tuple[str, Option]],
) -> None:
    record = changed(options=tuple(options))
    assert record == RECORD
    assert record.digest() == RECORD.digest()


def test_equal_numbers_have_one_digest_but_true_is_no_number() -> None:
    digests = {changed(options=(("delta", zero),)).digest() for zero in (0, 0.0, -0.0)}
    assert len(digests) == 1
    one, true = changed(options=(("k", 1),)), changed(options=(("k", True),))
    assert one.digest() != true.digest()
    assert one.differences(true) == ("options.k",)


def test_a_numpy_float_is_a_float() -> None:
    record = changed(options=(("delta", np.float64(0.25)),))
    assert type(record.options[0][1]) is float
    assert record.digest() == changed(options=(("delta", 0.25),)).digest()


@pytest.mark.parametrize("name", sorted(OTHERWISE))
def test_each_field_counts(name: str) -> None:
    other = changed(**{name: OTHERWISE[name]})
    assert RECORD.differences(other) == other.differences(RECORD) == (name,)
    assert other.digest() != RECORD.digest()


def test_every_field_is_tried() -> None:
    names = {field.name for field in dataclasses.fields(MeasurementRecord)}
    assert names == set(OTHERWISE) | {"options"}


def test_options_count_one_by_one_and_missing_ones_too() -> None:
    other = changed(epoch=6, options=(("delta", 1e-3), ("epsilon", 1e-7), ("relative", None)))
    found = RECORD.differences(other)
    assert found[0] == "epoch"
    expected = {"options.delta", "options.ranks", "options.centred", "options.relative"}
    assert set(found[1:]) == expected
    assert len(found) == 5
    assert set(other.differences(RECORD)) == set(found)


@pytest.mark.parametrize("name", ["measure", "layer", "dtype", "views", "images"])
@pytest.mark.parametrize("value", ["", 3, b"x"])
def test_text_has_to_be_text(name: str, value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{name}: got {value!r}, wanted text"):
        changed(**{name: value})


@pytest.mark.parametrize("name", ["n_samples", "n_views", "dim", "epoch"])
@pytest.mark.parametrize("value", [-1, 2.0, "2", True, np.int64(2)])
def test_counts_have_to_be_counts(name: str, value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{name}: got .*, wanted an int of at least"):
        changed(**{name: value})


@pytest.mark.parametrize("name", ["n_samples", "n_views", "dim"])
def test_nothing_cannot_be_measured_but_before_the_first_epoch_it_can(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{name}: got 0, wanted an int of at least 1"):
        changed(**{name: 0})
    assert changed(epoch=0).epoch == 0


@pytest.mark.parametrize("name", ["measure", "layer", "dtype", "n_samples", "dim"])
def test_what_is_always_known_cannot_be_left_unknown(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{name}: got None"):
        changed(**{name: None})


@pytest.mark.parametrize("value", [math.nan, math.inf, np.float32(1), {"a": 1}, ((1,),), object()])
def test_an_option_has_to_survive_json(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="for 'delta', wanted a str, int, bool, None"):
        changed(options=(("delta", value),))


def test_an_option_comes_once_and_has_a_name() -> None:
    with pytest.raises(InvalidArgumentError, match="options: got 'delta' twice"):
        changed(options=(("delta", 1), ("delta", 2)))
    with pytest.raises(InvalidArgumentError, match="options: got '', wanted text"):
        changed(options=(("", 1),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "text: .*; wanted what to_json writes"),
        ("3", r"missing: \['dim', .*\], unknown: \[\]"),
        (JSON.replace('"dim"', '"width"'), r"missing: \['dim'\], unknown: \['width'\]"),
        (JSON.replace('"epoch":5,', ""), r"missing: \['epoch'\]"),
        (JSON.replace('"options":{', '"options":[],"x":{'), r"unknown: \['x'\]"),
        (JSON.replace('"dim":128', '"dim":"128"'), "dim: got '128', wanted an int"),
    ],
)
def test_other_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        MeasurementRecord.from_json(text)


def test_options_that_are_no_object_are_refused() -> None:
    head, tail = JSON.index('"options":') + 10, JSON.index(',"views"')
    for options in ("null", "[]", "3"):
        with pytest.raises(InvalidArgumentError, match="with an object as options"):
            MeasurementRecord.from_json(JSON[:head] + options + JSON[tail:])


# The record of a tensor


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_sizes_and_dtype_are_read_off_embeddings(dtype: torch.dtype) -> None:
    embeddings = gaussian(9, 4).to(dtype)
    record = MeasurementRecord.of(
        embeddings,
        measure="rankme",
        layer="projector",
        options={"epsilon": 1e-7},
        images="0a1b",
        epoch=3,
    )
    assert record == MeasurementRecord(
        measure="rankme",
        layer="projector",
        n_samples=9,
        dim=4,
        dtype=str(dtype).split(".")[1],
        options=(("epsilon", 1e-7),),
        images="0a1b",
        epoch=3,
    )


def test_sizes_are_read_off_views_and_numpy() -> None:
    views = gaussian(7, 3, 5).numpy().astype(np.float32)
    record = MeasurementRecord.of(views, measure="lidar", layer="backbone", views="crop-7")
    assert (record.n_samples, record.n_views, record.dim) == (7, 3, 5)
    assert (record.dtype, record.views, record.options) == ("float32", "crop-7", ())


@pytest.mark.parametrize("shape", [(4,), (2, 2, 2, 2), (0, 3), (1, 2, 3)])
def test_what_cannot_be_measured_has_no_record(shape: tuple[int, ...]) -> None:
    with pytest.raises(EmbeddingError, match="values: got"):
        MeasurementRecord.of(torch.zeros(shape), measure="rankme", layer="backbone")
    with pytest.raises(EmbeddingError, match="values: got a list"):
        MeasurementRecord.of([1.0], measure="rankme", layer="backbone")  # type: ignore[arg-type]


# Ranking


@pytest.mark.parametrize(
    ("measure", "values", "best_first"),
    [
        ("rankme", [10.0, 30.0, 20.0], [1, 2, 0]),
        ("lidar", [10.0, 30.0, 20.0], [1, 2, 0]),
        ("alpha_req", [1.5, 0.25, 1.125], [2, 0, 1]),
        ("rankme", [2.0, math.nan, 1.0, math.nan, 3.0], [4, 0, 2, 1, 3]),
        ("alpha_req", [math.nan, 5.0, math.inf, 1.0], [3, 1, 2, 0]),
        ("rankme", [math.nan, -math.inf, math.inf], [2, 1, 0]),
        ("rankme", [2.0, 3.0, 2.0, 3.0], [1, 3, 0, 2]),
        ("alpha_req", [1.25, 0.75, 1.0], [2, 0, 1]),
        ("rankme", [5.0], [0]),
    ],
)
def test_best_first(measure: str, values: list[float], best_first: list[int]) -> None:
    assert rank_measurements(with_values(measure, values)) == best_first


def test_of_nothing_nothing_is_best() -> None:
    assert rank_measurements([]) == []


@QUICK
@given(st.lists(st.floats(-9, 9) | st.just(math.nan), max_size=12))
def test_ranking_against_pairs(values: list[float]) -> None:
    """Each pair stands as the two alone would; a permutation, nothing lost."""
    order = rank_measurements(with_values("rankme", values))
    assert sorted(order) == list(range(len(values)))
    for before, after in itertools.combinations(order, 2):
        if math.isnan(values[before]):
            assert math.isnan(values[after])
        else:
            assert not values[after] > values[before]
        if values[before] == values[after]:
            assert before < after


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("layer", "different spectra"),
        ("n_samples", "grows with the number of samples"),
        ("n_views", "falls as 1 / n_views"),
        ("dim", "the projector's width would choose the width"),
        ("dtype", "rounding"),
        ("views", "noise"),
        ("images", "depends on the images"),
        ("epoch", "equal epoch only"),
        ("options", "another convention"),
    ],
)
def test_unlike_records_are_refused_with_the_reason(name: str, why: str) -> None:
    value = OTHERWISE.get(name, ())
    alike = with_values("lidar", [1.0, 2.0])
    unlike = Measurement(3.0, changed(**{name: value}))
    with pytest.raises(IncomparableError, match=why) as caught:
        rank_measurements([*alike, unlike])
    message = str(caught.value)
    assert "in measurements[2]" in message
    assert "force=True" in message
    assert caught.value.index == 2
    assert caught.value.first == RECORD
    assert caught.value.other == unlike.record
    assert {field.partition(".")[0] for field in caught.value.fields} == {name}
    assert rank_measurements([*alike, unlike], force=True) == [2, 1, 0]


def test_the_message_gives_both_values_of_all_that_differs() -> None:
    other = changed(dim=256, epoch=None, options=(*RECORD.options, ("refit", True)))
    with pytest.raises(IncomparableError) as caught:
        rank_measurements([Measurement(1.0, RECORD), Measurement(2.0, other)])
    message = str(caught.value)
    assert "dim is 128 in the first and 256 in measurements[1]" in message
    assert "epoch is 5 in the first and null in measurements[1]" in message
    assert "options.refit is absent in the first and true in measurements[1]" in message
    assert "delta" not in message
    assert caught.value.fields == ("dim", "epoch", "options.refit")


def test_an_undefined_value_is_compared_all_the_same() -> None:
    unlike = [Measurement(1.0, RECORD), Measurement(math.nan, changed(epoch=9))]
    with pytest.raises(IncomparableError):
        rank_measurements(unlike)


@pytest.mark.parametrize("force", [True, False])
def test_two_measures_are_never_ranked_together(force: bool) -> None:
    both = with_values("rankme", [3.0]) + with_values("alpha_req", [1.0])
    with pytest.raises(
        IncomparableError, match=r"no common scale.*objectives\.consensus"
    ) as caught:
        rank_measurements(both, force=force)
    assert "force" not in str(caught.value)


def test_an_unknown_measure_has_no_direction() -> None:
    with pytest.raises(UnknownMeasureError, match="did you mean 'rankme'"):
        rank_measurements(with_values("rank_me", [1.0, 2.0]))


def test_the_error_is_ours_and_survives_pickling() -> None:
    error = IncomparableError(RECORD, changed(dim=256), 4)
    assert isinstance(error, ObjectivesError)
    assert isinstance(error, ValueError)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is IncomparableError
    assert str(again) == str(error)
    assert (again.first, again.other, again.index) == (error.first, error.other, 4)
    assert again.fields == ("dim",)


def test_records_and_measurements_are_frozen() -> None:
    measurement = Measurement(1.0, RECORD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECORD.dim = 3  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        measurement.value = 3.0  # type: ignore[misc]
    assert measurement == pickle.loads(pickle.dumps(measurement))
