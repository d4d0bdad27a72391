"""The zone: how it is written, what it learns from probes, and who may ignore it."""

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.errors import ConfigError
from hpo.pruning import GOLDILOCKS, Zone, explores, learn_zone
from objectives import GOLDILOCKS_ZONE, zone_distance

QUICK = settings(max_examples=200, deadline=None, derandomize=True)

alphas = st.floats(-5, 5) | st.integers(0, 4).map(float)
accuracies = st.floats(0, 1) | st.sampled_from([0.5, 0.6])
probes = st.lists(st.tuples(alphas, accuracies), max_size=20)
undefined = st.sampled_from([math.nan, math.inf, -math.inf])
bad_probes = st.lists(
    st.tuples(undefined, accuracies) | st.tuples(alphas, undefined), min_size=1, max_size=6
)

SEEN = [(0.5, 0.3), (0.9, 0.7), (1.0, 0.8), (1.1, 0.7), (1.5, 0.5), (2.0, 0.4)]


# The zone itself


def test_the_default_is_the_authors() -> None:
    assert (GOLDILOCKS.low, GOLDILOCKS.high) == GOLDILOCKS_ZONE


@QUICK
@given(alpha=alphas)
def test_the_distance_is_that_of_the_objective(alpha: float) -> None:
    assert GOLDILOCKS.distance(alpha) == pytest.approx(zone_distance(alpha))
    assert GOLDILOCKS.contains(alpha) is (GOLDILOCKS.distance(alpha) == 0)


def test_distances() -> None:
    zone = Zone(0.8, 1.2)
    assert [zone.distance(alpha) for alpha in (0.8, 1.0, 1.2)] == [0, 0, 0]
    assert zone.distance(0.5) == pytest.approx(0.3)
    assert zone.distance(math.inf) == math.inf
    assert math.isnan(zone.distance(math.nan))
    assert not zone.contains(math.nan)
    everything = Zone(-math.inf, math.inf)
    assert everything.distance(1e300) == everything.distance(math.inf) == 0


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.8..1.2", 0.8, 1.2),
        (" 0.8 .. 1.2 ", 0.8, 1.2),
        ("..1.2", -math.inf, 1.2),
        ("0.8..", 0.8, math.inf),
        ("-1..-0.5", -1.0, -0.5),
        ("1..1", 1.0, 1.0),
    ],
)
def test_zones_as_people_write_them(text: str, low: float, high: float) -> None:
    assert Zone.parse(text) == Zone(low, high)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "zone: got ''; wanted two numbers as in 0.8..1.2"),
        ("..", r"zone: got '\.\.'"),
        ("0.8", "zone: got '0.8'"),
        ("0.8-1.2", "zone: got '0.8-1.2'"),
        ("low..high", "zone: got 'low..high'"),
        ("nan..1", "zone: got 'nan..1'"),
        ("..inf", r"zone: got '\.\.inf'"),
        ("1.2..0.8", "zone: got 1.2 to 0.8; wanted a lower end that is not above"),
    ],
)
def test_what_is_no_zone(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Zone.parse(text)


@pytest.mark.parametrize(
    ("low", "high"), [(math.nan, 1.0), (0.0, math.nan), (math.inf, math.inf), (2.0, 1.0)]
)
def test_ends_with_nothing_between_them(low: float, high: float) -> None:
    with pytest.raises(ConfigError, match="zone: got"):
        Zone(low, high)


def test_zones_in_words() -> None:
    assert str(Zone(0.8, 1.2)) == "[0.8, 1.2]"
    assert str(Zone(-math.inf, 1.25)) == "[…, 1.25]"
    assert str(Zone(0.1234567, math.inf)) == "[0.1235, …]"


# Learning


def test_the_zone_spans_the_winners() -> None:
    zone = learn_zone(SEEN, GOLDILOCKS, noise=0.0)
    assert zone == Zone(0.9, 1.1)
    assert learn_zone(SEEN, GOLDILOCKS, noise=0.1) == Zone(0.9 - 0.1, 1.1 + 0.1)


def test_an_end_is_open_where_the_most_extreme_is_a_winner() -> None:
    assert learn_zone([*SEEN, (0.1, 0.9)], GOLDILOCKS).low == -math.inf
    assert learn_zone([*SEEN, (2.5, 0.9)], GOLDILOCKS).high == math.inf
    # A loser further out closes it again.
    assert learn_zone([*SEEN, (2.5, 0.9), (3.0, 0.1)], GOLDILOCKS).high == 2.5 + 0.05


def test_ties_with_the_last_winner_win_too() -> None:
    tied = [(alpha, 0.7 if accuracy == 0.5 else accuracy) for alpha, accuracy in SEEN]
    assert learn_zone(tied, GOLDILOCKS, noise=0.0) == Zone(0.9, 1.5)


@QUICK
@given(evidence=probes, bad=bad_probes, more=st.integers(1, 9))
def test_it_never_narrows_below_the_least_evidence(
    evidence: list[tuple[float, float]], bad: list[tuple[float, float]], more: int
) -> None:
    """Pairs that are not finite are no evidence, however many there are."""
    start = Zone(0.3, 0.4)
    too_many = len(evidence) + more
    assert learn_zone([*bad, *evidence], start, min_evidence=too_many) is start


@QUICK
@given(evidence=probes, bad=bad_probes)
def test_what_is_not_finite_changes_nothing(
    evidence: list[tuple[float, float]], bad: list[tuple[float, float]]
) -> None:
    mixed = [*bad[::2], *evidence, *bad[1::2]]
    assert learn_zone(mixed, GOLDILOCKS) == learn_zone(evidence, GOLDILOCKS)


@QUICK
@given(evidence=st.lists(st.tuples(alphas, accuracies), min_size=6, max_size=20))
def test_it_contains_every_winner(evidence: list[tuple[float, float]]) -> None:
    zone = learn_zone(evidence, GOLDILOCKS)
    ranked = sorted(evidence, key=lambda pair: -pair[1])
    best = ranked[: math.ceil(len(ranked) / 2)]
    assert all(zone.contains(alpha) for alpha, accuracy in evidence if accuracy >= best[-1][1])


@QUICK
@given(evidence=probes, order=st.randoms(use_true_random=False))
def test_the_order_of_the_probes_does_not_matter(
    evidence: list[tuple[float, float]], order: object
) -> None:
    shuffled = list(evidence)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert learn_zone(shuffled, GOLDILOCKS) == learn_zone(evidence, GOLDILOCKS)


@QUICK
@given(evidence=st.lists(st.tuples(alphas, accuracies), min_size=6, max_size=20), alpha=alphas)
def test_a_better_probe_outside_widens_it(
    evidence: list[tuple[float, float]], alpha: float
) -> None:
    assert learn_zone([*evidence, (alpha, 2.0)], GOLDILOCKS).contains(alpha)


def test_a_zone_that_narrowed_too_early_recovers_from_its_explorers() -> None:
    narrow = [(0.1, 0.1), (0.9, 0.5), (1.0, 0.6), (1.1, 0.5), (1.6, 0.2), (2.0, 0.1)]
    before = learn_zone(narrow, GOLDILOCKS)
    assert not before.contains(1.6)
    after = learn_zone([*narrow, (1.5, 0.9), (1.7, 0.9), (1.6, 0.9)], GOLDILOCKS)
    assert after.contains(1.6)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"min_evidence": 0}, "min_evidence: got 0; wanted at least 1"),
        ({"top_share": 0.0}, "top_share: got 0; wanted above 0"),
        ({"top_share": 1.5}, "top_share: got 1.5"),
        ({"noise": -0.1}, "noise: got -0.1; wanted a finite number"),
        ({"noise": math.nan}, "noise: got nan"),
    ],
)
def test_impossible_arguments(changed: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        learn_zone(SEEN, GOLDILOCKS, **changed)  # type: ignore[arg-type]


# Exploring


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("seed", [0, 7])
def test_the_share_is_kept_at_every_length(share: float, seed: int) -> None:
    count = 0
    for number in range(1, 2001):
        count += explores(number, share, seed)
        assert abs(count - share * number) < 5


def test_the_first_trial_never_explores() -> None:
    assert not any(explores(0, 1.0, seed) for seed in range(50))
    assert all(explores(number, 1.0) for number in range(1, 50))
    assert not any(explores(number, 0.0) for number in range(200))


def test_seeds_shift_the_slots() -> None:
    slots = {tuple(explores(number, 0.2, seed) for number in range(40)) for seed in range(5)}
    assert len(slots) == 5


def test_another_process_explores_with_the_same_trials() -> None:
    code = "from hpo.pruning import explores; print([n for n in range(99) if explores(n, 0.1, 3)])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == str([n for n in range(99) if explores(n, 0.1, 3)])


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_impossible_shares(share: float) -> None:
    with pytest.raises(ConfigError, match=r"explore_share: got .*; wanted between 0 and 1"):
        explores(1, share)
