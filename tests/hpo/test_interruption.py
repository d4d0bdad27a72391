"""Real signals: to this process, and to a process of its own."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

import hpo
from hpo.interruption import EpochsEnd, Interrupted, StopFlag, stop_signals

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)

LOOP = """
import time
from hpo.interruption import Interrupted, stop_signals

try:
    with stop_signals() as flag:
        print("ready", flush=True)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.01)
            if {polite}:
                flag.check()
            elif flag.signal_name:
                print("asked", flush=True)
except Interrupted as asked:
    print("interrupted by", asked)
except KeyboardInterrupt:
    print("at once")
"""


@pytest.fixture(autouse=True)
def _a_signal_nobody_takes_fails_the_test_and_not_the_whole_run() -> Iterator[None]:
    def unhandled(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"nobody took {signal.Signals(number).name}")

    before = signal.signal(signal.SIGTERM, unhandled)
    yield
    signal.signal(signal.SIGTERM, before)


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_without_a_signal_nothing_happens() -> None:
    with stop_signals() as flag:
        flag.check()
    assert flag == StopFlag("")


@BOTH
def test_the_first_signal_sets_the_flag(number: signal.Signals) -> None:
    with stop_signals() as flag:
        os.kill(os.getpid(), number)
        assert flag.signal_name == number.name
        with pytest.raises(Interrupted, match=number.name):
            flag.check()
        # Whoever looks again is told again.
        with pytest.raises(Interrupted):
            flag.check()


@BOTH
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
def test_the_second_signal_interrupts_at_once(
    first: signal.Signals, number: signal.Signals
) -> None:
    before = handlers()
    with stop_signals():
        os.kill(os.getpid(), first)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert handlers() == before


def test_the_handlers_are_those_from_before() -> None:
    before = handlers()
    with stop_signals():
        assert all(now is not then for now, then in zip(handlers(), before, strict=True))
    assert handlers() == before


def test_the_handlers_are_those_from_before_after_an_error() -> None:
    before = handlers()
    with pytest.raises(ZeroDivisionError), stop_signals():
        raise ZeroDivisionError
    assert handlers() == before


def test_one_inside_another() -> None:
    with stop_signals() as outer:
        with stop_signals() as inner:
            os.kill(os.getpid(), signal.SIGTERM)
        assert (inner.signal_name, outer.signal_name) == ("SIGTERM", "")
        os.kill(os.getpid(), signal.SIGINT)
        assert outer.signal_name == "SIGINT"


def test_off_the_main_thread_the_flag_is_never_set() -> None:
    before, seen = handlers(), []

    def work() -> None:
        with stop_signals() as flag:
            seen.append((flag, handlers()))
            flag.check()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(StopFlag(""), before)]


def start(*, polite: bool) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", LOOP.format(polite=polite)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(hpo.__file__).parent.parent,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@BOTH
def test_a_process_stops_at_its_next_step(number: signal.Signals) -> None:
    with start(polite=True) as process:
        began = time.monotonic()
        process.send_signal(number)
        said, _ = process.communicate(timeout=30)
    assert said == f"interrupted by {number.name}\n"
    assert process.returncode == 0
    assert time.monotonic() - began < 20


def test_a_process_that_does_not_look_stops_at_the_second_signal() -> None:
    with start(polite=False) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert said.splitlines()[-1] == "at once"


def asked_after(n_steps: int) -> EpochsEnd:
    """An epoch of ten steps, in which somebody asks to stop after some of them."""
    flag = StopFlag()
    end = EpochsEnd(10, flag.check)
    for _ in range(n_steps):
        end.step()
    flag.signal_name = "SIGTERM"
    return end


def test_a_short_epoch_goes_on_to_its_end() -> None:
    end = asked_after(2)
    for _ in range(8):
        end.step()
    assert end.reached()
    with pytest.raises(Interrupted, match="SIGTERM"):
        end.leave()


def test_the_end_of_a_long_epoch_is_not_waited_for() -> None:
    flag = StopFlag()
    end = EpochsEnd(10, flag.check, seconds=0.5)
    time.sleep(0.2)  # so long is a step: seven more would take a second and a half
    for _ in range(2):
        end.step()
        time.sleep(0.2)
    flag.signal_name = "SIGINT"
    with pytest.raises(Interrupted, match="SIGINT"):
        end.step()


def test_an_epoch_that_becomes_slow_is_left_in_time() -> None:
    flag = StopFlag()
    end = EpochsEnd(1000, flag.check, seconds=0.5)
    for _ in range(900):
        end.step()
    flag.signal_name = "SIGINT"
    asked_at = time.monotonic()
    while time.monotonic() - asked_at < 0.4:
        end.step()
        time.sleep(0.05)
    time.sleep(0.2)
    with pytest.raises(Interrupted):
        end.step()


def test_the_last_step_is_the_end() -> None:
    end = asked_after(9)
    end.step()
    assert end.reached()


def test_nobody_leaves_without_being_asked() -> None:
    flag = StopFlag()
    end = EpochsEnd(2, flag.check)
    for _ in range(3):
        end.step()
        end.step()
        assert not end.reached()
        end.leave()
    flag.signal_name = "SIGINT"  # between two epochs: none is begun
    assert end.reached()


def test_what_else_ends_a_trial_ends_it_at_once() -> None:
    def spent() -> None:
        raise TimeoutError("the budget is spent")

    end = EpochsEnd(10, spent)
    for look in (end.step, end.reached):
        with pytest.raises(TimeoutError):
            look()
    end.leave()
