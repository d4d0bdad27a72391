"""Parts that never overlap, and their sizes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.data import planned_sizes, split_images
from hpo.errors import ConfigError, DataError

FEW = settings(max_examples=60, deadline=None)


@st.composite
def cases(draw: st.DrawFn) -> tuple[torch.Tensor, int, int, int]:
    labels = torch.tensor(draw(st.lists(st.integers(-1, 5), min_size=3, max_size=80)))
    n_measure = draw(st.integers(0, len(labels) - 1))
    n_probe = draw(st.integers(0, len(labels) - 1 - n_measure))
    return labels, n_measure, n_probe, draw(st.integers(0, 2**31))


@FEW
@given(cases())
def test_parts_are_disjoint_sorted_and_cover_everything(
    case: tuple[torch.Tensor, int, int, int],
) -> None:
    labels, n_measure, n_probe, seed = case
    try:
        split = split_images(
            len(labels), labels=labels, n_measure=n_measure, n_probe=n_probe, seed=seed
        )
    except DataError:
        # The measure part takes at most n_measure labelled images, so there were too few.
        assert int((labels >= 0).sum()) - n_measure < n_probe
        return
    parts = (split.train, split.measure, split.probe)
    assert torch.cat(parts).sort().values.tolist() == list(range(len(labels)))
    assert [len(part) for part in parts[1:]] == [n_measure, n_probe]
    for part in parts:
        assert part.dtype == torch.int64
        assert part.tolist() == sorted(part.tolist())
    assert len(split.train) > 0
    assert bool((labels[split.probe] >= 0).all())


@FEW
@given(st.lists(st.integers(3, 40), min_size=2, max_size=8), st.data())
def test_the_probe_has_every_class_in_proportion(sizes: list[int], data: st.DataObject) -> None:
    labels = torch.cat([torch.full((size,), label) for label, size in enumerate(sizes)])
    n_probe = data.draw(st.integers(2 * len(sizes), len(labels) - 1))
    split = split_images(len(labels), labels=labels, n_measure=0, n_probe=n_probe, seed=0)
    counts = labels[split.probe].bincount(minlength=len(sizes))
    assert int(counts.min()) >= 2
    # After two images each, every class gives the same share of its others, up to one image.
    rest = torch.tensor(sizes) - 2
    expected = 2 + rest * (n_probe - 2 * len(sizes)) / max(int(rest.sum()), 1)
    assert float((counts - expected).abs().max()) < 1


def test_a_class_of_one_gives_its_one_image() -> None:
    labels = torch.tensor([0] * 50 + [1])
    split = split_images(51, labels=labels, n_measure=0, n_probe=10, seed=0)
    assert labels[split.probe].bincount().tolist() == [9, 1]


def test_a_probe_smaller_than_two_a_class_is_in_proportion() -> None:
    labels = torch.tensor([0] * 40 + [1] * 20)
    split = split_images(60, labels=labels, n_measure=0, n_probe=3, seed=0)
    assert labels[split.probe].bincount().tolist() == [2, 1]


def test_the_seed_decides() -> None:
    first, again, other = (
        split_images(100, labels=None, n_measure=20, n_probe=0, seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(first.measure, again.measure)
    assert torch.equal(first.train, again.train)
    assert not torch.equal(first.measure, other.measure)
    assert len(first.probe) == 0


def test_without_a_probe_labels_change_nothing() -> None:
    labels = torch.arange(100) % 3
    splits = [
        split_images(100, labels=given, n_measure=20, n_probe=0, seed=1)
        for given in (None, labels, labels.flip(0), torch.full((100,), -1))
    ]
    assert len({tuple(split.measure.tolist()) for split in splits}) == 1
    assert len({tuple(split.train.tolist()) for split in splits}) == 1


def test_the_measure_part_is_the_same_with_and_without_a_probe() -> None:
    labels = torch.arange(100) % 3
    without, with_probe = (
        split_images(100, labels=labels, n_measure=20, n_probe=n_probe, seed=1)
        for n_probe in (0, 20)
    )
    assert torch.equal(without.measure, with_probe.measure)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"n_measure": 7, "n_probe": 3}, DataError, "n_images: got 10, wanted more than the 7"),
        ({"n_measure": 10}, DataError, "some are left to train on"),
        ({"n_probe": 2, "labels": None}, DataError, "n_probe: got 2 without labels"),
        ({"n_probe": 4}, DataError, "only 3 labelled images are left"),
        ({"n_measure": -1}, ConfigError, "n_measure: got -1"),
        ({"n_probe": 2, "labels": torch.zeros(9).long()}, ConfigError, r"shape \(9,\)"),
    ],
)
def test_impossible_splits(
    changed: dict[str, object], error: type[Exception], message: str
) -> None:
    arguments = {
        "labels": torch.tensor([0, 1, 0] + [-1] * 7),
        "n_measure": 0,
        "n_probe": 0,
        "seed": 0,
    }
    with pytest.raises(error, match=message):
        split_images(10, **(arguments | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n_images", "changed", "expected"),
    [
        (1000, {}, (200, 0)),
        (1000, {"with_probe": True}, (200, 200)),
        (60_000, {"with_probe": True}, (1024, 5000)),
        (60_000, {"max_measure": 2000, "max_probe": 100, "with_probe": True}, (2000, 100)),
        (1000, {"minimum_measure": 300}, (300, 0)),
        (60_000, {"minimum_measure": 3000}, (3000, 0)),
        (105_000, {"with_probe": True, "n_labelled": 5000}, (1024, 1000)),
    ],
)
def test_planned_sizes(n_images: int, changed: dict[str, int], expected: tuple[int, int]) -> None:
    arguments = {"minimum_measure": 64, "minimum_train": 128, "with_probe": False}
    assert planned_sizes(n_images, **(arguments | changed)) == expected


@pytest.mark.parametrize(
    ("n_images", "changed", "expected"),
    [
        (1000, {"n_probe": 300}, (200, 300)),
        (60_000, {"n_probe": 10_000}, (1024, 10_000)),  # above what is planned by default
        (1000, {"n_probe": 2}, (200, 2)),
        (1000, {"n_probe": 40, "n_labelled": 40}, (200, 40)),
        (1000, {"n_probe": 300, "with_probe": False}, (200, 0)),
        (392, {"n_probe": 200}, (64, 200)),  # and 128 to train on
    ],
)
def test_the_probe_has_the_size_that_was_asked_for(
    n_images: int, changed: dict[str, int], expected: tuple[int, int]
) -> None:
    arguments = {"minimum_measure": 64, "minimum_train": 128, "with_probe": True}
    if n_images == 392:
        arguments["max_measure"] = 64
    assert planned_sizes(n_images, **(arguments | changed)) == expected


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_probe": 41, "n_labelled": 40}, "got 41 images to probe with, but only 40 of 1000"),
        ({"n_probe": 1001}, "got 1001 images to probe with, but only 1000 of 1000"),
        ({"n_probe": 673}, "n_images: got 1000, wanted at least 1001"),
        ({"n_probe": 1}, "n_probe: got 1, planned from 1000 images"),
    ],
)
def test_a_probe_that_there_are_too_few_images_for(changed: dict[str, int], message: str) -> None:
    arguments = {"minimum_measure": 64, "minimum_train": 128, "with_probe": True}
    arguments |= {"max_measure": 200}
    with pytest.raises(DataError, match=message):
        planned_sizes(1000, **(arguments | changed))


@FEW
@given(st.integers(0, 300), st.integers(0, 100), st.integers(1, 200), st.booleans())
def test_the_number_said_to_be_enough_is_the_first_that_is(
    n_images: int, minimum_measure: int, minimum_train: int, with_probe: bool
) -> None:
    def plan(n: int) -> tuple[int, int]:
        return planned_sizes(
            n,
            minimum_measure=minimum_measure,
            minimum_train=minimum_train,
            with_probe=with_probe,
        )

    try:
        sizes = plan(n_images)
    except DataError as error:
        if "n_probe: got" in str(error):
            assert n_images < 10
            return
        message = str(error)
    else:
        assert n_images - sum(sizes) >= minimum_train
        assert sizes[0] >= minimum_measure
        return
    assert f"got {n_images}," in message
    enough = int(message.split("wanted at least ")[1].split(",")[0])
    with pytest.raises(DataError, match=f"got {enough - 1}, wanted at least {enough}"):
        plan(enough - 1)
    if enough >= 10 or not with_probe:
        assert enough - sum(plan(enough)) >= minimum_train


@pytest.mark.parametrize("n_labelled", [0, 9])
def test_too_few_labelled_images_to_probe(n_labelled: int) -> None:
    with pytest.raises(DataError, match=f"of which {n_labelled} are labelled, wanted at least 2"):
        planned_sizes(
            1000, minimum_measure=64, minimum_train=128, with_probe=True, n_labelled=n_labelled
        )


def test_negative_numbers_are_refused() -> None:
    for name in ("minimum_train", "n_probe"):
        arguments = {"minimum_measure": 64, "minimum_train": 128, name: -1}
        with pytest.raises(ConfigError, match=f"{name}: got -1"):
            planned_sizes(1000, with_probe=True, **arguments)
