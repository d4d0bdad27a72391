"""A leader to be killed: it trains, and prints the processes that it started."""

import multiprocessing

import torch

from hpo.devices import DeviceGroup
from tests.hpo.devices.trials import digits, plan


def lead() -> None:
    torch.set_num_threads(1)
    with DeviceGroup(2, "cpu", digits, timeout_seconds=300) as group:
        made = group.training(plan(n_epochs=100_000), *digits())
        made.run_epoch()
        print(*(process.pid for process in multiprocessing.active_children()), flush=True)
        while True:
            made.run_epoch()


if __name__ == "__main__":
    lead()
