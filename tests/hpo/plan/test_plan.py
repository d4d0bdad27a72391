"""What fits into a budget, and what the page says of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from hpo.budget import Spend
from hpo.config import StudyConfig
from hpo.errors import BudgetError
from hpo.plan import Facts, Plan, Rates, check_budget, plan_of, plan_page

RATES = Rates(seconds_per_image=0.01, seconds_per_measure=2.0, seconds_per_probe=1.0)


def plan(
    *, rates: Rates | None = RATES, n_workers: int = 1, n_train: int = 1000, **options: Any
) -> Plan:
    config = StudyConfig(**{"epochs": 9, "batch_size": 100, **options})
    return plan_of(config, Facts(n_train, 500, n_workers=n_workers), rates)


def shown(made: Plan) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(plan_page(made))
    return capture.get()


def test_what_a_trial_costs_from_rung_to_rung() -> None:
    made = plan(trials=3, n_train=1049)  # 49 images are no batch
    assert made.rungs == (1, 3, 9)
    assert made.cost(0, 1) == Spend(12.0, 12.0, 1.0, 1000.0)
    assert made.cost(1, 9) == Spend(84.0, 84.0, 8.0, 8000.0)
    assert made.budget.whole == Spend(96.0, 96.0, 9.0, 9000.0)
    # 12 + (2 · 10 + 2) / 3 + (6 · 10 + 2) / 9
    assert made.expected.wall_seconds == pytest.approx(12 + 22 / 3 + 62 / 9)
    assert made.expected.epochs == pytest.approx(1 + 2 / 3 + 6 / 9)
    assert plan(trials=3, prune=False).expected == made.budget.whole
    assert plan(trials=3, devices=2).cost(0, 1).device_seconds == 24.0
    assert plan(trials=3, rates=None).cost(0, 1) == Spend(0.0, 0.0, 1.0, 1000.0)


def test_how_many_trials_fit_into_each_limit() -> None:
    made = plan(budget="960s, 63 epochs, 18000 images", replicates=0)
    assert [(limit.n_whole, limit.n_expected) for limit in made.limits] == [
        (10, 36),
        (7, 27),
        (2, 7),
    ]
    assert made.ends_first == "images"
    assert plan(budget="960s", trials=36, replicates=0).ends_first is None
    assert plan(budget="960s", trials=37, replicates=0).ends_first == "wall_seconds"
    assert plan(budget="960s", rates=None).limits[0].n_whole is None
    assert plan(trials=3).limits == ()


def test_while_the_clock_on_the_wall_goes_on_all_workers_train() -> None:
    three = plan(budget="960s, 1 gpu-hours", n_workers=3, replicates=0)
    assert [limit.n_whole for limit in three.limits] == [30, 37]


def test_probes_and_replicates_that_fit_into_what_is_set_aside_for_them() -> None:
    made = plan(budget="100s, 1 gpu-hours", labels=True, probe_share=0.2)
    assert made.n_probes == 20
    assert plan(budget="100s").n_probes == 0  # nothing is set aside without labels
    assert plan(budget="9 epochs", labels=True).n_probes is None
    assert plan(budget="1000 epochs").n_replicates == 11
    assert plan(budget="80 epochs").n_replicates == 0
    assert plan(trials=3).n_replicates is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"epochs": 108, "budget": "3 epochs"},
            "budget: 3 epochs fit no trial: the first rung is at epoch 4; give at least "
            "`4 epochs`, or fewer --epochs.",
        ),
        (
            {"budget": "999 images"},
            "budget: 999 images fit no trial: the first rung is at epoch 1 and takes 1,000 "
            "images; give at least `1000 images`, or fewer --epochs.",
        ),
        (
            {"budget": "10s", "labels": True, "probe_share": 0.25},
            "budget: 10s fit no trial: the first rung is at epoch 1 and takes 12s, and 25% of the "
            "budget are kept for probes; give at least `16s`, or fewer --epochs.",
        ),
        (
            {"budget": "0.003 gpu-hours"},
            "budget: 0.003 gpu-hours fit no trial: the first rung is at epoch 1 and takes "
            "0.00333 gpu-hours; give at least `0.00334 gpu-hours`, or fewer --epochs.",
        ),
    ],
)
def test_a_budget_that_fits_nothing_is_refused_with_the_smallest_that_would(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BudgetError) as caught:
        check_budget(plan(**options))
    assert str(caught.value) == message
    smallest = message.split("`")[1]
    check_budget(plan(**{**options, "budget": smallest}))


def test_every_limit_that_is_too_small_is_named() -> None:
    with pytest.raises(BudgetError) as caught:
        check_budget(plan(budget="10s, 9 epochs, 10 images"))
    assert [line.split(" fit")[0] for line in str(caught.value).splitlines()] == [
        "budget: 10s",
        "budget: 10 images",
    ]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    seconds=st.floats(1e-4, 10.0),
    epochs=st.integers(1, 200),
    probe_share=st.floats(0.0, 0.8),
    unit=st.sampled_from(["s", " epochs", " images", " gpu-hours"]),
)
def test_the_smallest_budget_that_is_named_does(
    seconds: float, epochs: int, probe_share: float, unit: str
) -> None:
    def made(budget: str) -> Plan:
        return plan(
            rates=Rates(seconds, seconds),
            budget=budget,
            epochs=epochs,
            labels=True,
            probe_share=probe_share,
        )

    try:
        check_budget(made(f"0.001{unit}" if unit != " epochs" else "0.5 epochs"))
    except BudgetError as error:
        check_budget(made(str(error).split("`")[1]))


def test_the_page() -> None:
    page = shown(plan(budget="32m, 63 epochs", labels=True, n_workers=2))
    for text in (
        "1 (+1)",
        "9 (+6)",
        "1m 36s",
        "33%",
        "25m 36s (80%)",
        "3m 12s (10%)",
        "at most 9 epochs, 9,000 images, 1m 36s",
        "2 trials",
        "100 training images a second; a measure takes 2.0s, a probe 1.0s",
        "192 fit into their reserve, both baselines included",
        "its limit on epochs, after about 27 trials",
    ):
        assert text in page
    assert "warning" not in page
    best = shown(plan(budget="32m", labels=True, probe_best=3))
    assert "the best 3 when the search is over; 192 fit into their reserve" in best


def test_the_page_without_rates_without_a_budget_and_without_hope() -> None:
    page = shown(plan(trials=3, rates=None))
    assert "time unknown" in page
    assert "3 trials" in page
    assert "limit" not in page
    assert "30 epochs are left to search: no trial will finish" in shown(
        plan(budget="30 epochs", epochs=54)
    )
