"""BatchNorm's running averages from the first step on."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def batch_norms(network: nn.Module) -> list[_BatchNorm]:
    """Return the BatchNorm layers of a network, of any kind."""
    return [part for part in network.modules() if isinstance(part, _BatchNorm)]


class RunningAverages:
    """Lets the running averages of BatchNorm forget mean 0 and variance 1 at the first step.

    An average with momentum m still owes (1 − m)ⁿ to its beginning after n batches: a fifth after
    fifteen. A network measured then seems to have moved even where it learned nothing. Before
    step s (from 0) the momentum is therefore

        max( m, 1 / (s + 1) ),

    so that the first step leaves nothing of the beginning, and the momentum is m from step 1 / m
    on. In training BatchNorm does not read its running averages: the weights are the same with and
    without this.

    Args:
        network: whose layers are looked after; those that average over everything (momentum None)
            need no help. Their momenta are read here.

    >>> norm = nn.BatchNorm1d(2)
    >>> averages = RunningAverages(norm)
    >>> for step in range(12):
    ...     averages.before_step(step)
    ...     if step in (0, 4, 11):
    ...         print(norm.momentum)
    1.0
    0.2
    0.1
    """

    def __init__(self, network: nn.Module) -> None:
        norms = batch_norms(network)
        self._momenta = [(norm, norm.momentum) for norm in norms if norm.momentum]
        least = min((momentum for _, momentum in self._momenta), default=1.0)
        self._n_steps = 1.0 / least  # after which no momentum changes

    def are_settled(self, step: int) -> bool:
        """Whether no momentum changes from this step on."""
        return step > self._n_steps

    def before_step(self, step: int) -> None:
        """Set the momenta of a step, counted from 0 over the whole training."""
        if not self.are_settled(step):
            for norm, momentum in self._momenta:
                norm.momentum = max(momentum, 1.0 / (step + 1))
