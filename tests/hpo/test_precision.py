"""The precision of networks follows the hardware unless it is asked for."""

from typing import Any

import pytest
import torch

from hpo.precision import autocast, resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("wanted", ["bfloat16", "float32"])
def test_what_is_asked_for_wins(wanted: Any, device: str) -> None:
    assert resolve_precision(wanted, device) == wanted


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bfloat16"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bfloat16"),
        ({"avx512_bf16": False, "avx2": True}, "float32"),
        ({}, "float32"),
    ],
)
def test_a_processor_gains_by_instructions_for_it(
    capabilities: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert resolve_precision("auto", "cpu") == precision


def test_a_torch_that_does_not_say_trains_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert resolve_precision("auto", "cpu") == "float32"


@pytest.mark.parametrize("gains", [True, False])
def test_cuda_says_itself(gains: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: gains)
    assert resolve_precision("auto", "cuda") == ("bfloat16" if gains else "float32")


def test_the_networks_run_in_it() -> None:
    layer, x = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with autocast(CPU, "bfloat16"):
        assert layer(x).dtype is torch.bfloat16
    with autocast(CPU, "float32"):
        assert layer(x).dtype is torch.float32
