"""A plan gives each view its recipe and each option to the views it is meant for."""

import pytest

from hpo.errors import ConfigError
from hpo.views import ViewPlan

PLAN = ViewPlan.for_size(32)


def test_the_views_of_an_image_are_alike_unless_asked_for() -> None:
    assert PLAN.second_view is None
    first, second, local = PLAN.recipes(n_global=2, n_local=1)
    assert first == second == PLAN.global_view
    assert local == PLAN.local_view
    assert PLAN.changed({"gaussian_blur": 0.5}).second_view is None


def test_every_other_global_view_is_made_the_second_way() -> None:
    plan = PLAN.changed({"gaussian_blur": 1.0, "second_gaussian_blur": 0.1})
    recipes = plan.recipes(n_global=5, n_local=2)
    assert [r.gaussian_blur for r in recipes] == [1.0, 0.1, 1.0, 0.1, 1.0, 1.0, 1.0]


def test_an_option_goes_to_its_views() -> None:
    plan = PLAN.changed(
        {
            "min_scale": 0.3,
            "max_scale": 0.9,
            "cj_strength": 0.7,
            "gaussian_blur": 1.0,
            "local_min_scale": 0.05,
            "local_max_scale": 0.2,
            "local_size": 12,
            "local_gaussian_blur": 0.5,
            "second_gaussian_blur": 0.1,
            "second_solarization_prob": 0.2,
        }
    )
    second = plan.second_view
    assert second is not None
    assert [v.cj_strength for v in (plan.global_view, second, plan.local_view)] == [0.7] * 3
    assert [v.gaussian_blur for v in (plan.global_view, second, plan.local_view)] == [1, 0.1, 0.5]
    assert [v.min_scale for v in (plan.global_view, second, plan.local_view)] == [0.3, 0.3, 0.05]
    assert [v.max_scale for v in (plan.global_view, second, plan.local_view)] == [0.9, 0.9, 0.2]
    assert [v.size for v in (plan.global_view, second, plan.local_view)] == [None, None, 12]
    probabilities = [v.solarization_prob for v in (plan.global_view, second, plan.local_view)]
    assert probabilities == [0, 0.2, 0]


def test_options_may_come_one_after_another() -> None:
    """As a study's own and then a trial's."""
    plan = PLAN.changed({"second_gaussian_blur": 0.1}).changed({"cj_strength": 0.9})
    assert plan.second_view is not None
    assert (plan.second_view.gaussian_blur, plan.second_view.cj_strength) == (0.1, 0.9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_scale": 2.0}, "^min_scale: got 2.0"),
        ({"local_min_scale": 0.5}, "^local_max_scale: got 0.4, wanted a number from 0.5"),
        ({"second_gaussian_blur": -1}, "^second_gaussian_blur: got -1"),
        ({"hf_prob": 2, "local_hf_prob": 0.5}, "^hf_prob: got 2"),
        ({"gausian_blur": 0.5}, "^gausian_blur: no option of the views. Did you mean 'gaussian_bl"),
        ({"local_blur": 0.5}, "^local_blur: no option"),
    ],
    ids=str,
)
def test_the_option_is_blamed_by_its_own_name(options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PLAN.changed(options)
