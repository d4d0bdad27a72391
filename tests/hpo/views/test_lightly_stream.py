"""Lightly's own transforms in a loader: theirs exactly, repeatable, and leaving no process."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pytest
import torch
from lightly.transforms.byol_transform import BYOLView2Transform
from PIL import Image
from torch import Tensor
from torch.testing import assert_close

from hpo.data.store import TensorStore
from hpo.embedding import Normalisation
from hpo.errors import ConfigError
from hpo.views import ViewRecipe
from hpo.views.lightly_stream import LightlyViews, lightly_transform
from hpo.views.stream import epoch_order, open_stream

CPU = torch.device("cpu")
RECIPES = [
    ViewRecipe(gaussian_blur=0.5),
    ViewRecipe(gaussian_blur=0.5, solarization_prob=0.5),
    ViewRecipe(max_scale=0.4, size=16),
]


class Broken(TensorStore):
    """Images of which some cannot be read."""

    def picture(self, position: int) -> Image.Image:
        if position % 8 == 3:
            raise OSError(f"picture {position} is gone")
        return super().picture(position)


def views_of(
    store: TensorStore,
    *,
    seed: int = 0,
    n_loader_workers: int | None = 0,
    recipes: list[ViewRecipe] = RECIPES,
) -> LightlyViews:
    channels = store.shape[1]
    stream = open_stream(
        "lightly",
        store,
        recipes,
        Normalisation((0.4,) * channels, (0.3,) * channels),
        batch_size=16,
        seed=seed,
        device=CPU,
        n_loader_workers=n_loader_workers,
    )
    assert isinstance(stream, LightlyViews)
    return stream


def listed(stream: LightlyViews, epoch: int) -> list[Tensor]:
    return [view for views in stream.epoch(epoch) for view in views]


def in_turn(steps: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def apply(image: Any) -> Any:
        for step in steps:
            image = step(image)
        return image

    return apply


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


def test_the_transform_is_lightlys(photos: Tensor) -> None:
    recipe = ViewRecipe(gaussian_blur=0.5, solarization_prob=0.4, cj_strength=1.0)
    ours = lightly_transform(recipe, input_size=48)
    theirs = BYOLView2Transform(
        input_size=48, min_scale=0.2, cj_strength=1.0, cj_bright=0.8, cj_contrast=0.8, cj_sat=0.8,
        cj_hue=0.2, gaussian_blur=0.5, solarization_prob=0.4, normalize=None,
    )  # fmt: skip
    # They also draw for a vertical flip and a rotation that are switched off.
    steps = [s for i, s in enumerate(theirs.transform.transforms) if i not in (2, 3)]
    names = ["RandomResizedCrop", "RandomHorizontalFlip", "RandomApply", "RandomGrayscale"]
    names += ["GaussianBlur", "RandomSolarization", "ToTensor"]
    assert [type(step).__name__ for step in steps] == names
    for seed, photo in enumerate(photos):
        found = []
        for transform in (ours, in_turn(steps)):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                np.random.seed(seed)  # noqa: NPY002
                found.append(transform(Image.fromarray(photo.permute(1, 2, 0).numpy())))
        assert torch.equal(found[0], found[1])


def test_the_largest_scale_is_kept_to() -> None:
    ramp = torch.arange(64, dtype=torch.uint8).mul(4).expand(16, 1, 64, 64)
    small = ViewRecipe(min_scale=0.01, max_scale=0.1, cj_prob=0.0)
    [[view]] = views_of(TensorStore(ramp), recipes=[small]).epoch(0)
    # A third of the side, and at most 4 / 3 times as wide as high.
    assert (view.amax(dim=(1, 2, 3)) - view.amin(dim=(1, 2, 3)) < 0.4 / 0.3).all()


def test_pictures_are_shown_in_their_native_size() -> None:
    class Wide(TensorStore):
        def picture(self, position: int) -> Image.Image:
            ramp = np.linspace(0, 255, 300).astype(np.uint8)
            return Image.fromarray(np.broadcast_to(ramp, (200, 300)).copy())

    store = Wide(torch.zeros(16, 1, 32, 32, dtype=torch.uint8))
    plain = ViewRecipe(min_scale=0.9, hf_prob=0.0, cj_prob=0.0, random_gray_scale=0.0)
    [[view]] = views_of(store, recipes=[plain]).epoch(0)
    assert view.shape == (16, 1, 32, 32)
    shades = view[:, 0, 16] * 0.3 + 0.4
    assert (shades.diff(dim=1) > 0).all()
    # Almost all of a picture, and at most 4 / 3 times as wide as high.
    assert ((shades[:, -1] - shades[:, 0]) > 0.75).all()


@pytest.mark.parametrize("kind", ["digits", "photos"])
def test_batches_are_normalised_views(kind: str, request: pytest.FixtureRequest) -> None:
    images = request.getfixturevalue(kind)[:36]
    channels, size = images.shape[1:3]
    plain = ViewRecipe(min_scale=1.0, hf_prob=0.0, cj_prob=0.0, random_gray_scale=0.0)
    batches = list(views_of(TensorStore(images), recipes=[*RECIPES, plain]).epoch(1))
    assert len(batches) == 2  # the incomplete third is left out
    for index, views in enumerate(batches):
        assert [tuple(v.shape[1:]) for v in views] == [
            (channels, size, size),
            (channels, size, size),
            (channels, 16, 16),
            (channels, size, size),
        ]
        for view in views:
            assert view.dtype == torch.float32
            assert ((view * 0.3 + 0.4 > -1e-6) & (view * 0.3 + 0.4 < 1 + 1e-6)).all()
        order = epoch_order(36, 0, 1)[index * 16 :][:16]
        # A crop of everything, when one of ten tries did not fit; half a grey level of rounding.
        difference = (views[3] * 0.3 + 0.4 - images[order] / 255).abs().flatten(1).amax(1)
        assert (difference < 0.003).all()


@pytest.mark.parametrize("n_loader_workers", [0, 1, 2])
def test_epochs_are_repeatable_whatever_the_number_of_workers(
    photos: Tensor, n_loader_workers: int
) -> None:
    stream = views_of(TensorStore(photos), n_loader_workers=n_loader_workers)
    np.random.seed(n_loader_workers)  # noqa: NPY002
    torch.manual_seed(n_loader_workers)
    found = listed(stream, 3)
    assert_close(found, listed(views_of(TensorStore(photos)), 3), atol=0, rtol=0)


def test_epochs_seeds_images_and_views_differ(photos: Tensor) -> None:
    same = photos[:1].repeat(16, 1, 1, 1)
    [[first, second, _]] = views_of(TensorStore(same)).epoch(0)
    [[later, _, _]] = views_of(TensorStore(same)).epoch(1)
    [[other, _, _]] = views_of(TensorStore(same), seed=1).epoch(0)
    everything = torch.cat([first, second, later, other]).flatten(1)
    distances = torch.cdist(everything, everything) + 1e9 * torch.eye(64)
    assert distances.min() > 0.1


@pytest.mark.parametrize("n_loader_workers", [0, 2])
def test_the_trainings_own_draws_stay_as_they_are(photos: Tensor, n_loader_workers: int) -> None:
    def draws() -> tuple[Any, ...]:
        return torch.rand(3).tolist(), np.random.random(3).tolist()  # noqa: NPY002

    def seed() -> None:
        torch.manual_seed(5)
        np.random.seed(5)  # noqa: NPY002

    seed()
    expected = draws()
    seed()
    listed(views_of(TensorStore(photos), n_loader_workers=n_loader_workers), 0)
    assert draws() == expected


def test_leaving_an_epoch_early_leaves_no_process(photos: Tensor) -> None:
    stream = views_of(TensorStore(photos.repeat(4, 1, 1, 1)), n_loader_workers=2)
    with closing(stream.epoch(0)) as batches:
        next(batches)
        assert len(multiprocessing.active_children()) == 2
    assert multiprocessing.active_children() == []


def test_workers_leave_interrupts_to_the_training(photos: Tensor) -> None:
    """Ctrl-C in a terminal reaches every process; the training's own handler decides."""
    batches = views_of(TensorStore(photos.repeat(4, 1, 1, 1)), n_loader_workers=2).epoch(0)
    next(batches)
    for worker in multiprocessing.active_children():
        os.kill(worker.pid or 0, signal.SIGINT)
    assert len(list(batches)) == 9


@pytest.mark.parametrize("n_loader_workers", [0, 2])
def test_an_error_arrives_and_leaves_no_process(photos: Tensor, n_loader_workers: int) -> None:
    stream = views_of(Broken(photos), n_loader_workers=n_loader_workers)
    with pytest.raises(OSError, match=r"picture \d+ is gone") as caught:
        list(stream.epoch(0))
    assert multiprocessing.active_children() == []
    assert caught.traceback  # which keeps the loader from being collected


def test_the_number_of_workers_is_that_of_the_spare_threads(photos: Tensor) -> None:
    assert views_of(TensorStore(photos), n_loader_workers=None).n_loader_workers == 0
    torch.set_num_threads(3)
    try:
        assert views_of(TensorStore(photos), n_loader_workers=None).n_loader_workers == 2
    finally:
        torch.set_num_threads(1)
    with pytest.raises(ConfigError, match="n_loader_workers: got -1, wanted 0 or more"):
        views_of(TensorStore(photos), n_loader_workers=-1)
