"""Does the label-free measure predict the probe in this study? All figures, nothing in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hpo.trust.agreement import Agreement, agreement
from hpo.trust.estimate import Estimate, estimates
from hpo.trust.evidence import LINEAR, StudyEvidence, TrialEvidence
from hpo.trust.noise import TieBand
from hpo.trust.population import Population, population_of
from hpo.trust.prior import PriorEvidence
from hpo.trust.ranking import N_RESAMPLES, Floats
from hpo.trust.recall import Recall, top_recalls
from hpo.trust.regret import Pick, Regrets
from hpo.trust.stability import Lead, RungOrder, accuracy_spread, lead, rung_orders


@dataclass(frozen=True)
class MeasureTrust:
    """How far one measure can be trusted in this study.

    Args:
        name: the measure's.
        n_missing: trials that may be chosen and have no value of it; they are left out.
        tau: Kendall's τ-b with accuracy over the trials that may be chosen, by probe.
        rho: Spearman's ρ, likewise.
        tau_with_barred: τ-b with the linear probe where barred trials count too; None where none
            of them was probed.
        recalls: top-k recall of the linear probe's best, by ascending k.
        favourites: numbers of the trials that may be chosen with the highest score, probed or not.
        pick: the same among the probed; None where there is none.
        by_rung: its order on the way.
        lead: of its first over its second; None where there is no second.
        prior: what is known of it from elsewhere.
    """

    name: str
    n_missing: int
    tau: Mapping[str, Estimate]
    rho: Mapping[str, Estimate]
    tau_with_barred: Estimate | None
    recalls: tuple[Recall, ...]
    favourites: tuple[int, ...]
    pick: Pick | None
    by_rung: tuple[RungOrder, ...]
    lead: Lead | None
    prior: PriorEvidence | None


@dataclass(frozen=True)
class Trust:
    """What a study says of its measures.

    Args:
        objective: the measure that the study went by.
        epoch: at which trials are compared.
        population: who is compared.
        n_tested: images behind accuracies, by probe that any trial had.
        measures: the objective first, then by falling τ.
        band: the best by the linear probe and who cannot be told from it; None without probes.
        random_regret_points: mean regret of picking a probed trial blindly; None without probes.
        agreement: of the measures with each other.
        choice: the study's own, judged by the linear probe; None where it was not probed.
        chosen: its number.
        chosen_by_probe: whether probes had a say in it.
    """

    objective: str
    epoch: int
    population: Population
    n_tested: Mapping[str, int]
    measures: tuple[MeasureTrust, ...]
    band: TieBand | None
    random_regret_points: float | None
    agreement: Agreement
    choice: Pick | None
    chosen: int | None
    chosen_by_probe: bool

    @property
    def own(self) -> MeasureTrust:
        """That of the objective."""
        return self.measures[0]


def trust(evidence: StudyEvidence, *, seed: int = 0, n_resamples: int = N_RESAMPLES) -> Trust:
    """Judge how far the measures of a study predict its probes.

    Args:
        evidence: the study, as `read_evidence` reads it.
        seed: of the resamples and draws behind the intervals.
        n_resamples: behind each interval of a correlation, at most.

    Returns:
        All figures; what is undefined is None and says why.

    >>> from hpo.trust.evidence import TrialEvidence
    >>> trials = tuple(
    ...     TrialEvidence(i, rungs={9: {"rankme": float(i)}}, accuracies={"linear": 0.5 + i / 50})
    ...     for i in range(10)
    ... )
    >>> study = StudyEvidence(trials, "rankme", 9, {"rankme": "maximize"}, {"linear": 600})
    >>> found = trust(study)
    >>> found.own.tau["linear"].value, found.own.pick.numbers, found.band.tied
    (1.0, (9,), (8, 7, 6))
    """
    probed = evidence.probed(barred=True)
    regrets = _regrets(evidence, probed, seed) if probed else None
    may = tuple(t for t in evidence.own if t.may_be_chosen)
    found = [
        _measure(evidence, name, may, regrets, seed, n_resamples) for name in evidence.measures
    ]
    numbers = [t.number for t in evidence.probed()]
    chosen = evidence.chosen
    return Trust(
        objective=evidence.objective,
        epoch=evidence.epoch,
        population=population_of(evidence),
        n_tested=dict(evidence.n_tested),
        measures=tuple(sorted(found, key=lambda m: _place(m, evidence.objective))),
        band=None if regrets is None else regrets.band,
        random_regret_points=None if not regrets or not numbers else regrets.of_random(numbers),
        agreement=agreement(
            {m: evidence.scores(m, may, evidence.epoch) for m in evidence.measures}
        ),
        choice=_choice(regrets, chosen),
        chosen=chosen,
        chosen_by_probe=evidence.chosen_by_probe,
    )


def _regrets(evidence: StudyEvidence, probed: tuple[TrialEvidence, ...], seed: int) -> Regrets:
    return Regrets(
        {t.number: t.accuracies[LINEAR] for t in probed},
        evidence.n_tested[LINEAR],
        accuracy_spread(evidence),
        seed,
    )


def _choice(regrets: Regrets | None, chosen: int | None) -> Pick | None:
    if regrets is None or chosen is None or chosen not in regrets.accuracies:
        return None
    return regrets.of([chosen])


def _measure(
    evidence: StudyEvidence,
    name: str,
    may: tuple[TrialEvidence, ...],
    regrets: Regrets | None,
    seed: int,
    n_resamples: int,
) -> MeasureTrust:
    scores = evidence.scores(name, may, evidence.epoch)
    pairs = {
        probe: estimates(
            scores, evidence.accuracies(probe, may), seed=seed, n_resamples=n_resamples
        )
        for probe in evidence.n_tested
    }
    probed = evidence.probed()
    of_probed = evidence.scores(name, probed, evidence.epoch)
    first = _highest(of_probed, probed)
    return MeasureTrust(
        name=name,
        n_missing=int(np.isnan(scores).sum()),
        tau={probe: tau for probe, (tau, _) in pairs.items()},
        rho={probe: rho for probe, (_, rho) in pairs.items()},
        tau_with_barred=_with_barred(evidence, name, seed, n_resamples),
        recalls=top_recalls(of_probed, evidence.accuracies(LINEAR, probed)),
        favourites=_highest(scores, may),
        pick=regrets.of(first) if regrets and first else None,
        by_rung=rung_orders(evidence, name),
        lead=lead(evidence, name),
        prior=next((p for p in evidence.priors if p.measure == name), None),
    )


def _with_barred(
    evidence: StudyEvidence, name: str, seed: int, n_resamples: int
) -> Estimate | None:
    every = evidence.probed(barred=True)
    if len(every) == len(evidence.probed()):
        return None
    scores = evidence.scores(name, every, evidence.epoch)
    accuracies = evidence.accuracies(LINEAR, every)
    return estimates(scores, accuracies, seed=seed, n_resamples=n_resamples)[0]


def _highest(scores: Floats, trials: tuple[TrialEvidence, ...]) -> tuple[int, ...]:
    finite = scores[np.isfinite(scores)]
    if not len(finite):
        return ()
    return tuple(t.number for t, s in zip(trials, scores, strict=True) if s == finite.max())


def _place(measure: MeasureTrust, objective: str) -> tuple[bool, float, str]:
    tau = measure.tau.get(LINEAR)
    value = None if tau is None else tau.value
    return measure.name != objective, 2.0 if value is None else -value, measure.name
