"""The one sentence that says how far a study's measure is to be trusted."""

from __future__ import annotations

from hpo.counted import counted
from hpo.trust.assessing import Trust
from hpo.trust.estimate import FEW, Estimate
from hpo.trust.evidence import LINEAR
from hpo.trust.wording import measure_name, points, signed

_NEARLY, _ROUGHLY = 0.7, 0.4


def headline(trust: Trust) -> str:
    """Say in one sentence whether the measure predicted the probe, and what its pick was worth.

    Of fewer than 8 probed trials it says that this cannot be known; of none, that nothing can.
    An order is called the probe's only where the 95 % interval of τ lies above 0: "nearly" from
    0.7 on, "roughly" from 0.4 on, else "loosely".

    Args:
        trust: the figures.
    """
    name, tau = measure_name(trust.objective), trust.own.tau.get(LINEAR)
    if tau is None or trust.population.probed == 0:
        why = "no trial that may be chosen was probed" if trust.band else "no trial was probed"
        return f"Whether {name} predicts accuracy in this study cannot be known: {why}."
    pick = _pick(trust)
    return f"{_order(name, tau, trust)}{'; ' + pick if pick else ''}."


def figures_of(tau: Estimate, symbol: str = "τ") -> str:
    """Write a correlation with its interval; for an undefined one, why it is.

    >>> figures_of(Estimate(0.71, 0.45, 0.86, 61))
    'τ = 0.71, 95 % interval 0.45 to 0.86, 61 trials'
    """
    if tau.value is None or tau.low is None or tau.high is None:
        return tau.undefined
    between = f"{signed(tau.low)} to {signed(tau.high)}"
    return f"{symbol} = {signed(tau.value)}, 95 % interval {between}, {counted(tau.n, 'trial')}"


def _order(name: str, tau: Estimate, trust: Trust) -> str:
    figures = figures_of(tau)
    if tau.value is None or tau.low is None or tau.high is None:
        return f"Whether {name} predicts accuracy in this study cannot be known: {figures}"
    if not tau.is_known:
        return (
            f"Whether {name} puts the trials in the probe's order cannot be known from "
            f"{counted(tau.n, 'probed trial')} ({figures}; at least {FEW} are wanted)"
        )
    if tau.high < 0:
        return f"In this study {name} put the trials against the probe's order ({figures})"
    if tau.low <= 0:
        return (
            f"In this study {name} put the trials in an order that need not be the probe's: the "
            f"interval holds 0 ({figures})"
        )
    return f"In this study {name} put the trials {_how(tau.value)} the probe's order ({figures})"


def _how(tau: float) -> str:
    if tau >= _NEARLY:
        return "in nearly"
    return "in roughly" if tau >= _ROUGHLY else "only loosely in"


def _pick(trust: Trust) -> str:
    pick, band, blind = trust.own.pick, trust.band, trust.random_regret_points
    if pick is None or band is None or blind is None or band.n_trials == 1:
        return ""
    if band.everyone:
        return "the probe cannot tell any of them from the best, so any pick is as good"
    whose = f"its pick, trial {pick.numbers[0]}," if len(pick.numbers) == 1 else "its pick"
    others = len(band.numbers - set(pick.numbers))
    cannot = f"which {counted(others, 'other trial')} cannot be told from"
    if pick.regret_points == 0:
        return f"{whose} is the best of them" + (f", {cannot}" if others else "")
    far = f"{whose} is {points(pick.regret_points)} below the best"
    if pick.regret_points >= blind:
        return f"{far}: it chose no better than a random trial would have ({points(blind)})"
    if pick.tied:
        like = f", like {counted(others - 1, 'other trial')}" if others > 1 else ""
        return f"{far} and cannot be told from it{like}"
    n = len(band.tied)
    return far + (f", which {counted(n, 'other trial')} cannot be told from" if n else "")
