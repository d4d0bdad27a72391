"""The processes of a group: started, stopped together, replaced when lost, and never left over."""

import io
import itertools
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from hpo.devices import DeviceGroup, DeviceGroupError
from hpo.devices.group import check_devices
from hpo.errors import ConfigError
from hpo.training import Diverged
from tests.hpo.devices.trials import OWN, alone, digits, fewer_digits, no_digits, plan

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def group() -> Iterator[DeviceGroup]:
    with DeviceGroup(2, "cpu", digits, timeout_seconds=60) as opened:
        yield opened
    assert not followers()
    assert not torch.distributed.is_initialized()


def followers() -> list[int]:
    return [p.pid for p in multiprocessing.active_children() if p.pid and "device-" in p.name]


class Stop(Exception):
    pass


def stop_at(step: int) -> Iterator[None]:
    for _ in range(step - 1):
        yield
    raise Stop


def test_a_stop_within_an_epoch_reaches_all_and_the_next_trial_uses_the_same_processes(
    group: DeviceGroup,
) -> None:
    straight = group.training(plan(), *digits())
    losses = [straight.run_epoch(), straight.run_epoch()]
    before = followers()
    for step in (1, 2, 3):
        made = group.training(plan(), *digits())
        assert made.run_epoch() == losses[0]
        saved = io.BytesIO()
        torch.save(made.state_dict(), saved)
        steps = stop_at(step)
        with pytest.raises(Stop):
            made.run_epoch(lambda steps=steps: next(steps))  # type: ignore[misc]
        assert made.epoch == 1
        made.load_state_dict(torch.load(io.BytesIO(saved.getvalue()), weights_only=True))
        assert made.run_epoch() == losses[1]
    assert followers() == before


def test_followers_leave_ctrl_c_to_the_leader(group: DeviceGroup) -> None:
    made = group.training(plan(), *digits())
    for pid in followers():
        os.kill(pid, signal.SIGINT)
    assert math.isfinite(made.run_epoch())


def test_a_checkpoint_of_two_devices_goes_on_on_one_and_back(group: DeviceGroup) -> None:
    made = group.training(plan(method="byol"), *digits())
    made.run_epoch()
    on_one = alone(plan(method="byol"))
    assert made.checkpoint_bytes == on_one.checkpoint_bytes
    on_one.load_state_dict(made.state_dict())
    assert math.isfinite(on_one.run_epoch())
    back = group.training(plan(method="byol"), *digits())
    back.load_state_dict(on_one.state_dict())
    assert math.isfinite(back.run_epoch())
    assert (back.epoch, back.scheduler.last_epoch) == (3, 9)
    assert back.n_images_seen == 3 * 48


def test_all_devices_diverge_together(group: DeviceGroup) -> None:
    made = group.training(plan(method="vicreg", lr=1e12, n_epochs=30), *digits())
    before = followers()
    with pytest.raises(Diverged) as found:
        [made.run_epoch() for _ in range(30)]
    assert found.value.epoch == made.epoch + 1
    assert math.isfinite(group.training(plan(), *digits()).run_epoch())
    assert followers() == before


def test_an_older_training_has_lost_its_devices(group: DeviceGroup) -> None:
    old, new = group.training(plan(), *digits()), group.training(plan(), *digits())
    with pytest.raises(DeviceGroupError, match="another one began"):
        old.run_epoch()
    with pytest.raises(DeviceGroupError, match="another one began"):
        old.load_state_dict(new.state_dict())
    assert math.isfinite(new.run_epoch())


def test_a_plan_that_cannot_be_shared_out_is_refused_before_the_others_hear(
    group: DeviceGroup,
) -> None:
    for given in ({"batch_size": 15}, {"batch_size": 2}, {"batch_size": 18, "accumulate": 2}):
        with pytest.raises(ConfigError, match=r"batch_size: got \d+ in . part\(s\) for 2 devices"):
            group.training(plan(**given), *digits())
    with pytest.raises(ConfigError, match="batch_size: got 64, wanted at most 54"):
        group.training(plan(batch_size=64), *digits())
    assert math.isfinite(group.training(plan(batch_size=4), *digits()).run_epoch())


@pytest.mark.slow
def test_a_lost_process_is_an_error_at_once_and_is_replaced(group: DeviceGroup) -> None:
    made = group.training(plan(), *digits())
    expected = made.run_epoch()
    steps = itertools.count()

    def kill() -> None:
        if next(steps) == 1:
            os.kill(followers()[0], signal.SIGKILL)

    made = group.training(plan(), *digits())
    started = time.monotonic()
    with pytest.raises(DeviceGroupError, match=r"device 1.*exit code -9"):
        made.run_epoch(kill)
    assert time.monotonic() - started < 20
    with pytest.raises(DeviceGroupError, match="Begin it again"):
        made.run_epoch()
    assert group.training(plan(), *digits()).run_epoch() == expected


@pytest.mark.slow
def test_a_signal_that_ended_a_process_may_have_been_meant_for_us_all(group: DeviceGroup) -> None:
    made = group.training(plan(), *digits())
    steps = itertools.count()

    def kill_then_stop() -> None:
        if next(steps) == 1:
            os.kill(followers()[0], signal.SIGTERM)
            time.sleep(1.0)
        if next(steps) > 3:
            raise Stop

    with pytest.raises(Stop):
        made.run_epoch(kill_then_stop)


@pytest.mark.slow
def test_an_error_on_one_device_is_told_with_its_words(group: DeviceGroup) -> None:
    with pytest.raises(DeviceGroupError, match=r"(?s)device 1 failed.*nothing left on the second"):
        group.training(plan(method=f"{OWN}:failing"), *digits()).run_epoch()


@pytest.mark.slow
def test_an_interrupt_within_a_step_gives_the_processes_up(
    group: DeviceGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second Ctrl-C comes anywhere; here instead of a step of the optimiser."""
    made = group.training(plan(), *digits())

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(made.optimizer, "step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        made.run_epoch()
    assert not followers()


@pytest.mark.slow
def test_images_that_the_others_cannot_get() -> None:
    with DeviceGroup(2, "cpu", no_digits, timeout_seconds=60) as opened:
        with pytest.raises(DeviceGroupError, match=r"(?s)device 1 failed.*the disk is gone"):
            opened.training(plan(), *digits())
        assert not followers()


@pytest.mark.slow
def test_other_images_than_the_leaders() -> None:
    with (
        DeviceGroup(2, "cpu", fewer_digits, timeout_seconds=60) as opened,
        pytest.raises(DeviceGroupError, match=r"(?s)prepare: got images \(50, .*has \(54,"),
    ):
        opened.training(plan(), *digits())


def test_devices_that_are_not_there() -> None:
    with pytest.raises(ConfigError, match="devices: got 1 for a group"):
        DeviceGroup(1, "cpu", digits)
    there = torch.cuda.device_count()
    with pytest.raises(ConfigError, match=f"torch sees {there} CUDA"):
        check_devices(there + 2, "cuda")


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's own table")
def test_nothing_listens_beyond_the_loopback_interface(group: DeviceGroup) -> None:
    group.training(plan(), *digits()).run_epoch()
    found = [address for pid in [os.getpid(), *followers()] for address in listening(pid)]
    assert len(found) >= 2
    assert {address[-8:] for address in found} == {"0100007F"}


def listening(pid: int) -> Iterator[str]:
    """Addresses, in the kernel's hexadecimal, at which a process listens."""
    mine = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text("utf-8").splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and f"socket:[{columns[9]}]" in mine:
                yield columns[1].partition(":")[0]


@pytest.mark.slow
def test_the_others_end_when_the_leader_is_killed() -> None:
    leader = subprocess.Popen(
        [sys.executable, "-m", "tests.hpo.devices.leader"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with leader:
        assert leader.stdout is not None
        pids = [int(pid) for pid in leader.stdout.readline().split()]
        assert len(pids) == 1
        assert all(alive(pid) for pid in pids)
        leader.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text("utf-8")
    except FileNotFoundError:
        return False
