import pytest

from hpo.optimization import OptimizerPlan
from search_spaces import Float, SpaceError, method_names, optimizer_dimensions


def lr(optimizer: str, method: str = "") -> Float:
    dimension = optimizer_dimensions(optimizer, method=method)["lr"]
    assert isinstance(dimension, Float)
    return dimension


@pytest.mark.parametrize("optimizer", ["adamw", "lars", "sgd"])
def test_every_optimizer_has_all_three(optimizer: str) -> None:
    assert set(optimizer_dimensions(optimizer)) == {"lr", "weight_decay", "warmup_share"}


def test_the_ranges_follow_the_optimizer() -> None:
    assert lr("adamw").high < lr("sgd").default < lr("lars").default


@pytest.mark.parametrize("method", method_names())
@pytest.mark.parametrize("optimizer", ["adamw", "lars", "sgd"])
def test_only_large_losses_with_sgd_get_a_smaller_learning_rate(
    method: str, optimizer: str
) -> None:
    smaller = optimizer == "sgd" and method in ("barlow_twins", "frossl", "vicreg")
    assert (lr(optimizer, method) != lr(optimizer)) is smaller
    if smaller:
        assert lr(optimizer, method).default < 0.06 <= lr(optimizer).default


def test_learning_rates_say_what_they_are_per() -> None:
    assert lr("adamw").unit == "per 256 images of a batch"


@pytest.mark.parametrize("optimizer", ["", "adam", "AdamW"])
def test_another_optimizer(optimizer: str) -> None:
    with pytest.raises(SpaceError, match=f"optimizer: got '{optimizer}'; wanted one of"):
        optimizer_dimensions(optimizer)


@pytest.mark.parametrize("optimizer", ["adamw", "lars", "sgd"])
def test_the_warm_up_is_held_at_the_plans_default(optimizer: str) -> None:
    warmup = optimizer_dimensions(optimizer)["warmup_share"]
    assert warmup.held
    assert warmup.default == OptimizerPlan.warmup_share == 0.1
    assert (warmup.low, warmup.high) == (0.0, 0.3)  # type: ignore[union-attr]
