"""Who comes first, and who is not compared with whom."""

from __future__ import annotations

import math

import pytest
import torch

from hpo.rank.cautions import cautions
from hpo.rank.conditions import Measured
from hpo.rank.ranking import rank_share, ranked
from objectives import assess
from tests.objectives.builders import power_law, signal_views


def row(name: str, decay: float = 1.0, dim: int = 16, **known: object) -> Measured:
    """A backbone whose spectrum falls as it is told: the flatter, the higher its RankMe."""
    features = power_law(decay, 300, dim).float() + 0.01
    views = signal_views(60, 3, dim, n_signal=4, ratio=20.0 / (1 + decay)).float()
    return Measured(name, "net", dim, assess(features, views=views), **known)  # type: ignore[arg-type]


def collapsed(name: str) -> Measured:
    return Measured(name, "net", 16, assess(torch.randn(300, 1) * torch.ones(16)))


def order(rows: list[Measured], measure: str = "rankme", **options: bool) -> list[list[object]]:
    return [
        [(s.place, s.measured.name) for s in group.standings]
        for group in ranked(rows, measure, **options)
    ]


def test_the_best_by_the_measures_own_direction_comes_first() -> None:
    rows = [row("steep", 2.0), row("flat", 0.5), row("middle", 1.0)]
    assert order(rows) == [[(1, "flat"), (2, "middle"), (3, "steep")]]
    assert order(rows, "alpha_req") == [[(1, "middle"), (2, "flat"), (3, "steep")]]


def test_a_collapsed_one_comes_last_without_a_place_whatever_its_value() -> None:
    dead = collapsed("dead")
    assert dead.assessment.collapse.kind == "dimensional"
    assert order([dead, row("steep", 2.0)], "self_cluster") == [[(1, "steep"), (None, "dead")]]


def test_one_without_a_value_comes_last() -> None:
    features = torch.full((300, 16), math.nan)
    broken = Measured("broken", "net", 16, assess(features))
    assert order([broken, row("good")]) == [[(1, "good"), (None, "broken")]]
    assert math.isnan(ranked([broken], "rankme")[0].standings[0].value)


def test_features_of_different_widths_are_ranked_apart_unless_asked() -> None:
    rows = [row("a", 2.0), row("wide", 2.0, dim=64), row("b", 0.5)]
    assert order(rows) == [[(1, "b"), (2, "a")], [(1, "wide")]]
    together = order(rows, across_widths=True)
    assert len(together) == 1
    assert {name for _, name in together[0]} == {"a", "b", "wide"}  # type: ignore[misc]
    assert ranked(rows, "rankme", across_widths=True)[0].dims == (16, 64)


def test_an_untrained_network_stands_among_them_without_a_place() -> None:
    rows = [row("steep", 2.0), row("fresh", 0.5, is_untrained=True), row("middle", 1.0)]
    assert order(rows) == [[(None, "fresh"), (1, "middle"), (2, "steep")]]


def test_the_share_of_a_rank_is_of_what_it_can_be_at_most() -> None:
    found = row("a", 0.0, dim=64)
    assert rank_share(found, 300) == pytest.approx(found.assessment["rankme"] / 64)
    assert rank_share(found, 10) == pytest.approx(found.assessment["rankme"] / 10)


# What to keep in mind


def said(rows: list[Measured], measure: str = "rankme", n_images: int = 300) -> str:
    return "\n".join(cautions(rows, measure, n_images=n_images, image_size=32))


def test_nothing_is_said_of_runs_of_one_method_and_one_network() -> None:
    rows = [row("a", method="simclr", made_for=32), row("b", method="simclr", made_for=32)]
    assert said(rows, "lidar") == ""


def test_methods_that_differ_or_are_unknown_are_said() -> None:
    known, unknown = row("a", method="simclr"), row("b")
    assert "The methods differ (byol, simclr)" in said([known, row("c", method="byol")])
    assert "How 1 of 2 were trained is not known here" in said([known, unknown])
    assert "methods" not in said([unknown], "lidar")  # alone it is compared with nobody


def test_widths_and_too_few_images_are_said() -> None:
    rows = [row("a"), row("b", dim=64)]
    assert "16, 64 wide and are ranked apart" in said(rows)
    assert "cut short" not in said(rows, n_images=65)
    assert "Give --measure-images 65 or more" in said(rows, n_images=64)


def test_other_image_sizes_and_another_layer_are_said() -> None:
    assert "Measured at 32 pixels, while the studies trained on 16" in said(
        [row("a", made_for=16), row("b", made_for=32), row("c")]
    )
    assert "published for the projector's output" in said([row("a")], "rankme")
    assert "projector" not in said([row("a")], "lidar")


def test_a_measure_that_prefers_untrained_networks_is_exposed() -> None:
    rows = [row("steep", 2.0), row("flat", 0.2), row("fresh", 0.5, is_untrained=True)]
    assert "An untrained net scores no worse by rankme than steep:" in said(rows)
    assert "An untrained net" not in said(rows[1:])
