"""What a loss remembers of earlier batches is saved, and what it computes is unchanged."""

import copy

import pytest
import torch
from lightly.loss import NTXentLoss, TiCoLoss
from lightly.models.modules import NNMemoryBankModule
from torch import Tensor, nn

from hpo.methods.remembered import remembered


def pair(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, 6, 4, generator=generator)
    return a.requires_grad_(), b


def test_a_bank_is_saved_and_loaded() -> None:
    loss, other = (remembered(NTXentLoss(0.2, memory_bank_size=(16, 4))) for _ in range(2))
    for seed in range(4):  # the bank is written round once
        loss(*pair(seed))
    other.load_state_dict(loss.state_dict())
    assert int(other.memory_bank.bank_ptr) == 6
    for seed in (4, 5):
        assert torch.equal(loss(*pair(seed)), other(*pair(seed)))


def test_a_bank_works_as_before() -> None:
    plain = NTXentLoss(0.2, memory_bank_size=(16, 4))
    saved = remembered(copy.deepcopy(plain))
    for seed in range(4):
        assert torch.equal(plain(*pair(seed)), saved(*pair(seed)))
    assert not plain.state_dict()


def test_ticos_covariance_is_saved_and_starts_as_lightlys() -> None:
    plain = TiCoLoss(beta=0.8, rho=3.0)
    saved, other = (remembered(TiCoLoss(0.8, 3.0), C=torch.zeros(4, 4)) for _ in range(2))
    for seed in range(3):
        assert torch.equal(plain(*pair(seed)), saved(*pair(seed)))
    other.load_state_dict(saved.state_dict())
    assert torch.equal(other.C, plain.C)
    assert torch.equal(plain(*pair(3)), other(*pair(3)))


def test_buffers_at_any_depth_are_saved_and_those_that_were_stay_as_they_are() -> None:
    bank = NNMemoryBankModule(size=(16, 4))
    before = bank.bank.clone()
    whole = nn.Sequential(nn.BatchNorm1d(4), nn.ModuleDict({"deep": bank}))
    names = set(whole.state_dict())
    assert remembered(whole) is whole
    assert set(whole.state_dict()) - names == {"1.deep.bank", "1.deep.bank_ptr"}
    assert torch.equal(whole.state_dict()["1.deep.bank"], before)


def test_they_follow_the_loss_to_another_type_or_device() -> None:
    loss = remembered(TiCoLoss(), C=torch.zeros(4, 4)).to(torch.float64)
    assert loss.C.dtype == torch.float64


def test_an_attribute_that_is_not_there_is_refused() -> None:
    with pytest.raises(AttributeError, match="covariance"):
        remembered(TiCoLoss(), covariance=torch.zeros(4, 4))
