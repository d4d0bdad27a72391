"""One sentence, honest either way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.trust import headline, sentences, trust, trust_lines
from tests.hpo.trust.made import in_order, made_study, made_trial

SPREAD = [0.5 + i / 50 for i in range(20)]


def said(values: list[float], accuracies: list[float], **more: object) -> str:
    return headline(trust(made_study(values, accuracies, **more)))


def test_a_good_measure() -> None:
    values = [float(i) for i in range(20)]
    values[18], values[19] = values[19], values[18]
    assert said(values, SPREAD, n_tested=2000) == (
        "In this study rankme put the trials in nearly the probe's order (τ = 0.99, 95 % interval "
        "0.93 to 1.00, 20 trials); its pick, trial 18, is 2.0 points below the best and cannot be "
        "told from it."
    )


@pytest.mark.parametrize(
    ("noise", "words"),
    [(1, "in nearly"), (14, "in roughly"), (90, "need not be the probe's")],
)
def test_the_order_is_called_by_its_tau(noise: int, words: str) -> None:
    values = [i + noise * ((7 * i) % 11) / 11 for i in range(20)]
    assert words in said(values, SPREAD)


def test_a_weak_order_is_called_loose_however_sure_it_is() -> None:
    values = [i + 90.0 * ((7 * i) % 11) / 11 for i in range(60)]
    text = said(values, [0.3 + i / 100 for i in range(60)])
    assert "only loosely in the probe's order (τ = 0.3" in text


def test_a_pick_no_better_than_a_random_one_is_called_so() -> None:
    text = said([-float(i) for i in range(20)], SPREAD)
    assert text.startswith("In this study rankme put the trials against the probe's order (τ = −1")
    assert text.endswith(
        "its pick, trial 0, is 38.0 points below the best: it chose no better than a random trial "
        "would have (19.0 points)."
    )


@pytest.mark.parametrize(("picked", "no_better"), [(8, True), (12, False)])
def test_it_is_held_against_the_mean_of_random_picks(picked: int, no_better: bool) -> None:
    """Trial 8 loses 22 points and trial 12 loses 14; a random one loses 19."""
    values = [100.0 if i == picked else float(i) for i in range(20)]
    assert ("chose no better than a random trial" in said(values, SPREAD)) is no_better


def test_the_best_pick() -> None:
    surely = headline(trust(in_order(12, n_tested=100_000)))
    assert surely.endswith("its pick, trial 11, is the best of them.")
    assert headline(trust(in_order(12, n_tested=2_000))).endswith(
        "its pick, trial 11, is the best of them, which 1 other trial cannot be told from."
    )


def test_where_all_are_tied_any_pick_is_as_good() -> None:
    text = said([float(i) for i in range(10)], [0.8 + i / 1000 for i in range(10)])
    assert text.endswith("cannot tell any of them from the best, so any pick is as good.")


def test_of_few_probed_trials_it_cannot_be_known() -> None:
    text = headline(trust(in_order(5, n_tested=100_000)))
    assert text == (
        "Whether rankme puts the trials in the probe's order cannot be known from 5 probed trials "
        "(τ = 1.00, 95 % interval −0.19 to 1.00, 5 trials; at least 8 are wanted); its pick, trial "
        "4, is the best of them."
    )
    assert "cannot be known" not in headline(trust(in_order(8)))


def test_without_probes_it_cannot_be_known() -> None:
    text = headline(trust(made_study([1.0, 2.0, 3.0])))
    assert text == (
        "Whether rankme predicts accuracy in this study cannot be known: no trial was probed."
    )
    barred = made_trial(9, 1.0, 0.7, barred="has not moved")
    assert headline(trust(made_study([1.0, 2.0], others=[barred]))).endswith(
        "no trial that may be chosen was probed."
    )


def test_a_constant_measure_is_named_as_such() -> None:
    text = said([2.0] * 9, [0.5 + i / 10 for i in range(4)] + [0.4] * 5)
    assert "cannot be known: all 9 scores are equal; its pick is" in text


numbers = st.one_of(st.floats(-5, 5), st.sampled_from([float("nan"), float("inf"), 1.0]))
accuracies = st.one_of(st.none(), st.floats(0, 1), st.sampled_from([0.0, 0.9, 1.0]))


@given(st.lists(st.tuples(numbers, accuracies), max_size=10), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_text_ever_shows_what_is_not_a_number(rows: list, repeated: bool, chosen: bool) -> None:
    again = [made_trial(50, 1.0, 0.9, replicate_of=0)] if repeated and rows else []
    values, known = [r[0] for r in rows], [r[1] for r in rows]
    study = made_study(values, known, others=again, chosen=0 if chosen else None)
    found = trust(study, n_resamples=20)
    texts = [headline(found), *(text for _, text in sentences(found))]
    texts += [text for _, text in trust_lines(found)]
    for text in texts:
        assert not {"nan", "None", "inf"} & set(text.replace(",", " ").replace("(", " ").split())
        assert "  " not in text
        assert text.rstrip(")").endswith((".", ")."))
