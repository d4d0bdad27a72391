"""`goldilocks run --dry-run`: prepare the images, time a little of everything, print the plan."""

from __future__ import annotations

from rich.console import Console

from hpo.config import StudyConfig
from hpo.plan.checking import check_budget
from hpo.plan.page import plan_page
from hpo.plan.plan import Facts, Plan, plan_of


def dry_run(config: StudyConfig, console: Console) -> Plan:
    """Print what a study would do, without starting it; `config.out` is not touched.

    Args:
        config: of the study.
        console: where to.

    Returns:
        The plan that was printed.

    Raises:
        GoldilocksError: for anything wrong with options or data.
        BudgetError: after the plan, for a budget that fits nothing.
    """
    import torch

    from hpo.plan.rates import measure_rates
    from hpo.warm_start.recording import check_sources
    from hpo.workers.crew import crew_of
    from hpo.workload import prepare

    check_sources(config.warm_start, config, n_trials=config.from_trials)
    crew, n_threads = crew_of(config), torch.get_num_threads()
    workload = prepare(config)
    if crew.threads is not None:
        torch.set_num_threads(crew.threads)
    try:
        rates = measure_rates(workload)
    finally:
        torch.set_num_threads(n_threads)
    facts = Facts(
        n_train=len(workload.train),
        n_measure=len(workload.gauge.images),
        n_labelled=0 if workload.probe is None else len(workload.probe.images),
        n_workers=crew.n_workers,
    )
    plan = plan_of(config, facts, rates)
    console.print(plan_page(plan))
    check_budget(plan)
    return plan
