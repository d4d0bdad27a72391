"""The measures logged by a real Lightning trainer."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MetricCollection

from objectives.alpha_req import alpha_req
from objectives.lidar import lidar
from objectives.metrics import AlphaReQMetric, LiDARMetric, RankMeMetric
from objectives.rankme import rankme
from tests.objectives.builders import gaussian

DIM = 12
EMBEDDINGS = gaussian(600, DIM) * torch.arange(1, DIM + 1) ** -0.5 + 1.0


class Recorder(pl.LightningModule):
    """Logs the metrics of what it is given, as any module would."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(DIM, DIM)
        self.rankme = RankMeMetric()
        self.metrics = MetricCollection(
            {"alpha": AlphaReQMetric(first_rank=2, last_rank=9), "rank": RankMeMetric(epsilon=0.0)},
            prefix="val_",
        )
        self.lidar = LiDARMetric()

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        return self.layer(batch[0].float()).square().mean()

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        self.rankme.update(batch[0])
        self.log("val_rankme", self.rankme)
        self.metrics.update(batch[0])
        self.log_dict(self.metrics)
        self.lidar(torch.stack([batch[0], batch[0] + batch[1]], dim=1))
        self.log("val_lidar", self.lidar, on_step=False, on_epoch=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.fixture
def trainer(tmp_path: Path) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu",
        max_epochs=2,
        limit_train_batches=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )


@pytest.mark.filterwarnings(  # Lightning's own, against newer releases of torch
    r"ignore:`isinstance\(treespec, LeafSpec\)` is deprecated:FutureWarning"
)
@pytest.mark.filterwarnings(r"ignore:The '\w+_dataloader' does not have many workers:UserWarning")
@pytest.mark.filterwarnings(r"ignore:The number of training batches \(1\) is smaller:UserWarning")
def test_a_lightning_trainer_logs_them_in_validation(trainer: pl.Trainer) -> None:
    noise = gaussian(600, DIM, seed=7)
    data = DataLoader(TensorDataset(EMBEDDINGS, noise), batch_size=300)
    trainer.fit(Recorder(), data, data)
    logged = {name: value.item() for name, value in trainer.callback_metrics.items()}
    wanted = {
        "val_rankme": rankme(EMBEDDINGS),
        "val_alpha": alpha_req(EMBEDDINGS, first_rank=2, last_rank=9).alpha,
        "val_rank": rankme(EMBEDDINGS, epsilon=0.0),
        "val_lidar": lidar(torch.stack([EMBEDDINGS, EMBEDDINGS + noise], dim=1)),
    }
    assert logged == pytest.approx(wanted, rel=1e-6)  # Lightning keeps float32
