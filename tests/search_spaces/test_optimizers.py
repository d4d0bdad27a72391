import pytest

from search_spaces import Float, SpaceError, method_names, optimizer_dimensions


def lr(optimizer: str, method: str = "") -> Float:
    dimension = optimizer_dimensions(optimizer, method=method)["lr"]
    assert isinstance(dimension, Float)
    return dimension


@pytest.mark.parametrize("optimizer", ["adamw", "lars", "sgd"])
def test_every_optimizer_has_both(optimizer: str) -> None:
    assert set(optimizer_dimensions(optimizer)) == {"lr", "weight_decay"}


def test_the_ranges_follow_the_optimizer() -> None:
    assert lr("adamw").high < lr("sgd").default < lr("lars").default


@pytest.mark.parametrize("method", method_names())
@pytest.mark.parametrize("optimizer", ["adamw", "lars", "sgd"])
def test_only_large_losses_with_sgd_get_a_smaller_learning_rate(
    method: str, optimizer: str
) -> None:
    smaller = optimizer == "sgd" and method in ("barlow_twins", "vicreg")
    assert (lr(optimizer, method) != lr(optimizer)) is smaller
    if smaller:
        assert lr(optimizer, method).default < 0.06 <= lr(optimizer).default


def test_learning_rates_say_what_they_are_per() -> None:
    assert lr("adamw").unit == "per 256 images of a batch"


@pytest.mark.parametrize("optimizer", ["", "adam", "AdamW"])
def test_another_optimizer(optimizer: str) -> None:
    with pytest.raises(SpaceError, match=f"optimizer: got '{optimizer}'; wanted one of"):
        optimizer_dimensions(optimizer)
