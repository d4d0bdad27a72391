"""What can and what cannot be known of a study's measures, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from hpo.counted import counted, trials
from hpo.trust.assessing import MeasureTrust, Trust
from hpo.trust.estimate import FEW
from hpo.trust.evidence import LINEAR
from hpo.trust.headline import figures_of
from hpo.trust.stability import Lead
from hpo.trust.wording import (
    measure_name,
    points,
    signed,
    states,
)


def sentences(trust: Trust) -> tuple[tuple[str, str], ...]:
    """Say all that is worth knowing below the headline.

    Args:
        trust: the figures.

    Returns:
        Pairs of a short title and one or two sentences, those with nothing to say left out.
    """
    parts = (
        ("picks", _picks(trust)),
        ("ties", _ties(trust)),
        ("selected", _selected(trust)),
        ("measures", _measures(trust)),
        ("agreement", _agreement(trust)),
        ("epochs", _epochs(trust.own, trust.epoch)),
        ("seeds", _seeds(trust.own)),
        ("elsewhere", _elsewhere(trust)),
    )
    found = ((title, " ".join(texts)) for title, texts in parts)
    return tuple((title, text) for title, text in found if text)


def _picks(trust: Trust) -> Iterator[str]:
    blind, own = trust.random_regret_points, trust.own
    if own.pick is not None and blind is not None:
        pick = own.pick
        far = f"{points(pick.regret_points)} below the best" if pick.regret_points else "the best"
        yield (
            f"{trust.objective} picks {trials(pick.numbers)} of the probed: accuracy "
            f"{pick.accuracy:.3f}, {far} (95 % interval of what it loses {pick.low:.1f} to "
            f"{pick.high:.1f} points). A random one of them loses {points(blind)} on average."
        )
        if own.favourites != pick.numbers:
            yield f"Of all that may be chosen it picks {trials(own.favourites)}, not probed."
    choice, chosen = trust.choice, trust.chosen
    if choice is None and chosen is not None and trust.band is not None:
        yield f"The study chose trial {chosen}, which was not probed."
    if choice is None or (own.pick is not None and choice.numbers == own.pick.numbers):
        return
    by = (
        "its probes and the objective"
        if trust.chosen_by_probe
        else "its shortlist and the objective"
    )
    far = f"{points(choice.regret_points)} below the best" if choice.regret_points else "the best"
    yield f"The study chose trial {chosen}, by {by}: {far}."


def _ties(trust: Trust) -> Iterator[str]:
    band = trust.band
    if band is None or band.n_trials == 1:
        return
    yield (
        f"On {counted(band.n_tested, 'labelled image')} an accuracy of {band.accuracy:.3f} cannot "
        f"be told from one {points(band.width_points)} lower."
    )
    if band.tied:
        yield f"So {trials(band.best)} may be no better than {trials(band.tied)}."
    else:
        yield f"{trials(band.best).capitalize()}: ahead of all others by more than that."
    if band.seed_points is None:
        yield "What other seeds would change is not in this: no configuration was repeated."
    else:
        yield f"Seeds move accuracy by {points(band.seed_points)} (standard deviation), included."


def _selected(trust: Trust) -> Iterator[str]:
    who = trust.population
    if not who.is_selected or not who.started:
        return
    left = {**who.left_out, "barred from the choice": who.barred, "not probed": who.not_probed}
    left = {state: n for state, n in left.items() if n}
    of = f"{who.probed} of the {counted(who.started, 'trial')} started"
    yield f"This is over {of}; left out: {states(left)}."
    if who.probed:
        yield (
            "Among the selected a correlation is usually nearer to 0 than among all, and it says "
            "nothing of those left out."
        )
    barred = trust.own.tau_with_barred
    if barred is not None and barred.value is not None:
        yield f"With the barred ones: {figures_of(barred)}."


def _measures(trust: Trust) -> Iterator[str]:
    known = [m for m in trust.measures if LINEAR in m.tau and m.tau[LINEAR].value is not None]
    if len(known) < 2 or trust.population.probed < FEW:
        return
    ranked = sorted(known, key=lambda m: -(m.tau[LINEAR].value or 0.0))
    first, last = ranked[0], ranked[-1]
    yield (
        f"Of {len(known)} measures {measure_name(first.name)} came closest to the probe's order "
        f"({_tau(first)}) and {measure_name(last.name)} was farthest from it ({_tau(last)}); the "
        "best of many, known afterwards, looks better than it is."
    )


def _agreement(trust: Trust) -> Iterator[str]:
    others = trust.agreement.of(trust.objective)
    if not others:
        return
    named = list(others.items())
    text = f"{trust.objective} agrees most with {measure_name(named[0][0])} "
    text += f"(τ = {signed(named[0][1])})"
    if len(named) > 1:
        text += f" and least with {measure_name(named[-1][0])} (τ = {signed(named[-1][1])})"
    yield f"{text}. Measures that agree may be wrong together."


def _epochs(own: MeasureTrust, epoch: int) -> Iterator[str]:
    known = [r for r in own.by_rung if r.with_end is not None]
    if not known:
        return
    orders = ", ".join(f"{signed(r.with_end or 0.0)} at epoch {r.epoch}" for r in known)
    yield f"Its order on the way against its order at epoch {epoch}: τ = {orders}."


def _seeds(own: MeasureTrust) -> Iterator[str]:
    if own.lead is None:
        return
    ahead, noise = own.lead, own.lead.noise
    text = f"Its first, trial {ahead.best}, is {ahead.gap:.3g} ahead of trial {ahead.second}"
    if noise is None:
        yield f"{text}; what seeds change is unknown, no configuration was repeated."
        return
    yield (
        f"{text}; another seed moves the measure by {noise:.3g} (standard deviation, "
        f"{counted(ahead.n_repeated, 'configuration')} repeated): {_verdict(ahead)}."
    )


def _verdict(ahead: Lead) -> str:
    return "that is no lead" if ahead.is_tie else "more than seeds explain"


def _elsewhere(trust: Trust) -> Iterator[str]:
    prior = trust.own.prior
    if prior is None:
        return
    yield (
        f"Elsewhere, over {counted(prior.n_studies, 'study', 'studies')} with all trials probed, "
        f"its τ was {signed(prior.tau_median)} in the median "
        f"({signed(prior.tau_lowest)} to {signed(prior.tau_highest)}) and its pick "
        f"{points(prior.regret_points)} below the best, a random one "
        f"{points(prior.random_regret_points)} ({prior.source})."
    )


def _tau(measure: MeasureTrust) -> str:
    return f"τ = {signed(measure.tau[LINEAR].value or 0.0)}"
