"""One class that every trainer takes for a callback."""

from __future__ import annotations

import importlib
import pickle
import sys

import pytest

from hpo.errors import GoldilocksError
from hpo.lightning_callback import LabelFreeCallback
from hpo.lightning_callback.base import callback_bases
from tests.hpo.lightning_callback.modules import PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_it_is_a_callback_to_both_packages(package: str) -> None:
    assert issubclass(LabelFreeCallback, importlib.import_module(package).Callback)


@pytest.mark.parametrize(("here", "absent"), [PACKAGES, PACKAGES[::-1]])
def test_one_package_is_enough(here: str, absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, absent.partition(".")[0], None)  # type: ignore[arg-type]
    assert callback_bases() == (importlib.import_module(here).Callback,)


def test_without_any_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in PACKAGES:
        monkeypatch.setitem(sys.modules, package.partition(".")[0], None)  # type: ignore[arg-type]
    with pytest.raises(ImportError, match="Run: pip install pytorch-lightning") as raised:
        callback_bases()
    assert isinstance(raised.value, GoldilocksError)


def test_a_name_that_is_not_there_is_no_attribute() -> None:
    door = importlib.import_module("hpo.lightning_callback")
    with pytest.raises(AttributeError, match="has no attribute 'Other'"):
        door.Other  # noqa: B018


def test_it_travels_to_other_processes() -> None:
    label_free = LabelFreeCallback([], measures=("rankme",), every_n_steps=3)
    copy = pickle.loads(pickle.dumps(label_free))
    assert copy.state_key == label_free.state_key
    assert copy._schedule == label_free._schedule
