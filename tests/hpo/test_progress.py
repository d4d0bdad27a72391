"""Progress on a terminal and in a log."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from hpo.config import StudyConfig
from hpo.progress import Fraction, LiveProgress, PlainProgress
from hpo.record import TrialRow


def row(number: int, state: str, epoch: int = 0, reason: str = "", **more: Any) -> TrialRow:
    values = {"rankme": 50.0, "alpha_req": 1.25, "moved": 0.5} if epoch else {}
    return TrialRow(number, state, epoch, 50.0, values, reason, 1.0, 0.5, {}, **more)


def spent(epochs: float, images: int = 0, device_seconds: float = 0.0) -> dict[str, float]:
    return {"epochs": epochs, "images": images, "device_seconds": device_seconds}


def test_the_fraction_is_of_the_limit_that_comes_first() -> None:
    done = Fraction(StudyConfig(trials=4, epochs=10, budget="100s"))
    done.rows([row(0, "finished", 10), row(1, "collapsed", 1), row(2, "running", 1)])
    done.epoch(2, 5)
    done.spent_seconds = 30.0
    assert done.value == pytest.approx(2.5 / 4)
    assert done.eta_seconds == pytest.approx(30 * 1.5 / 2.5)
    done.spent_seconds = 90.0
    assert done.value == pytest.approx(0.9)
    assert done.eta_seconds == pytest.approx(10.0)


def test_several_running_trials_count_each_for_itself() -> None:
    done = Fraction(StudyConfig(trials=4, epochs=10))
    done.rows([row(0, "running"), row(1, "running", 2), row(2, "finished", 10)])
    assert done.value == pytest.approx(12 / 40)
    done.epoch(0, 3)
    done.epoch(1, 4)
    done.epoch(0, 5)
    assert done.value == pytest.approx(19 / 40)
    done.rows([row(0, "running", 2), row(1, "pruned", 2), row(2, "finished", 10)])
    assert done.value == pytest.approx(25 / 40)


@pytest.mark.parametrize(
    ("budget", "value"),
    [
        ("100 epochs", 0.15),
        ("2000 images", 0.75),
        ("1 gpu-hours", 360 / 3600),
        ("100s", 0.3),
        ("100s, 100 epochs, 2000 images, 1 gpu-hours", 0.75),
    ],
)
def test_any_limit_may_be_the_one_that_comes_first(budget: str, value: float) -> None:
    done = Fraction(StudyConfig(epochs=10, budget=budget))
    done.rows(
        [
            row(0, "finished", 10, spent=spent(12.0, 1200, 300.0)),
            row(1, "pruned", 3, spent=spent(3.0, 300, 60.0)),
        ]
    )
    done.spent_seconds = 30.0
    assert done.value == pytest.approx(value)


def test_a_limit_of_epochs_moves_with_every_epoch() -> None:
    done = Fraction(StudyConfig(epochs=10, budget="20 epochs"))
    done.rows([row(0, "running", 3, spent=spent(5.0, 500))])  # two were lost in a kill
    assert done.value == pytest.approx(5 / 20)
    done.epoch(0, 5)
    assert done.value == pytest.approx(7 / 20)
    assert done.spend.images == pytest.approx(700)
    done.rows([row(0, "running", 3, spent=spent(7.0, 700))])
    assert done.value == pytest.approx(7 / 20)
    done.spent_seconds = 70.0
    assert done.eta_seconds == pytest.approx(130.0)


def test_replicates_are_no_trials_but_cost_what_they_cost() -> None:
    done = Fraction(StudyConfig(trials=4, epochs=10))
    ours = [row(0, "finished", 10), row(1, "running", 5)]
    again = [
        row(2, "finished", 10, replicate_of=0, spent=spent(10.0)),
        row(3, "running", 5, replicate_of=0, spent=spent(5.0)),
    ]
    done.rows([*ours, *again])
    assert done.value == pytest.approx(15 / 40)
    assert done.spend.epochs == 30.0


def test_the_phase_is_in_the_status_line() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=240, height=30)
    with LiveProgress(console, StudyConfig(trials=9, epochs=10)) as progress:
        progress.epoch(3, 2)
        progress.phase("replicating")
        console.print(progress._render())
    assert "replicating: trial 3: epoch 2 of 10" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_log_names_the_phase_and_what_a_replicate_repeats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hpo.progress._LINE_EVERY_SECONDS", 0.0)
    file = io.StringIO()
    with PlainProgress(Console(file=file, width=160), StudyConfig(trials=2)) as progress:
        progress.phase("replicating")
        progress.rows([row(0, "finished", 54), row(5, "running", replicate_of=0)])
        progress.time(7.0)
    shown = file.getvalue().splitlines()
    assert shown[1:] == [
        "trial 5 (0 again): running",
        "replicating: 50 %, 7.0s spent, about 7.0s left",
    ]


def test_a_terminal_names_every_running_trial() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=240, height=30)
    with LiveProgress(console, StudyConfig(trials=9, epochs=10)) as progress:
        progress.epoch(3, 2)
        progress.epoch(1, 5)
        console.print(progress._render())
        for number in range(4, 8):
            progress.epoch(number, 1)
        console.print(progress._render())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "trials 1: epoch 5, 3: epoch 2 of 10" in shown
    assert "5: epoch 1 and 2 more of 10" in shown


def test_before_there_is_a_rate_only_the_budget_is_known() -> None:
    assert Fraction(StudyConfig(budget="10m")).eta_seconds == 600
    assert Fraction(StudyConfig(trials=3)).eta_seconds is None


def test_a_log_gets_one_line_for_each_change() -> None:
    file = io.StringIO()
    with PlainProgress(
        Console(file=file, width=160), StudyConfig(epochs=9, objective="rankme")
    ) as progress:
        progress.rows([row(0, "running")])
        progress.rows([row(0, "running", 1)])
        progress.rows([row(0, "running", 1)])
        progress.epoch(0, 2)
        progress.rows([row(0, "collapsed", 1, "exploded")])
        progress.note("over")
    assert file.getvalue().splitlines() == [
        "trial 0: running",
        "trial 0: running at epoch 1 of 9: rankme 50.00, α 1.25, moved 0.50",
        "trial 0: collapsed at epoch 1 of 9: rankme 50.00, α 1.25, moved 0.50; exploded",
        "over",
    ]


def test_a_terminal_gets_the_table_and_the_bar() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=120, height=30)
    with LiveProgress(console, StudyConfig(trials=2, epochs=10)) as progress:
        progress.rows([row(0, "collapsed", 10, "exploded"), row(1, "running")])
        progress.epoch(1, 5)
        progress.time(60.0)
        console.print(progress._render())
    shown = file.getvalue()
    for text in ("trial", "state", "α", "collapsed", "exploded", "75 %", "1m 00s spent"):
        assert text in shown
    assert "about 20s left" in shown
