"""What may be yielded, what is refused, and what is missing by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import optuna
import pytest
import torch

from hpo.errors import ConfigError, StudyMismatchError
from hpo.label_free import Embeddings, label_free_objective
from objectives import EmbeddingError
from tests.hpo.label_free.studies import features, found, only, studied, views_of


def yields(*what: Any) -> Callable[[optuna.Trial], Iterator[Any]]:
    def train_so(trial: optuna.Trial) -> Iterator[Any]:
        yield from what

    return train_so


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (yields(), {}, "train: ended without yielding"),
        (yields((0, found(0.5))), {}, "train: ended without yielding"),
        (yields((0, features())), {}, "views: guarded_alpha needs several views of each image"),
        (yields(features()), {"objective": "ssl_loss"}, "values: ssl_loss is not measured"),
        (yields((2, found(0.5)), (2, found(0.5))), {}, "epoch 2 after 2"),
        (yields("embeddings"), {}, "train: yielded a str"),
        (yields(Embeddings(features(), values={"rankme": 1.0})), {"objective": "nesum"}, "values"),
        (lambda trial: features(), {}, "train: returned a Tensor; wanted a generator"),
        (yields(features().long()), {"objective": "rankme"}, "embeddings"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    function: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((ConfigError, EmbeddingError), match=message):
        studied(label_free_objective(function, **options))


def test_gradients_and_arrays_are_taken_as_they_come() -> None:
    rows = features()
    with_gradient = rows.clone().requires_grad_()
    expected = only(studied(label_free_objective(yields(rows), objective="rankme"))).value
    for other in (with_gradient, rows.numpy()):
        trial = only(studied(label_free_objective(yields(other), objective="rankme")))
        assert trial.value == expected
    assert torch.equal(with_gradient.detach(), rows)


def test_other_images_or_views_are_refused_in_one_study() -> None:
    study = studied(label_free_objective(yields(found(0.5))))
    fewer = Embeddings(features(n_images=60), views_of(features(n_images=60)))
    with pytest.raises(StudyMismatchError, match="n_images: the study has 120, this run 60"):
        study.optimize(label_free_objective(yields(fewer)), n_trials=1)
    with pytest.raises(StudyMismatchError, match="objective: the study has"):
        study.optimize(label_free_objective(yields(found(0.5)), objective="rankme"), n_trials=1)
