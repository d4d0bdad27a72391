"""The measures inside TorchMetrics and Lightning."""

import copy
import math
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from objectives.accumulator import EmbeddingAccumulator
from objectives.alpha_req import alpha_req
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.lidar import lidar
from objectives.metrics import AlphaReQMetric, EmbeddingMetric, LiDARMetric, RankMeMetric
from objectives.moments import moments_of
from objectives.rankme import rankme
from tests.objectives.builders import gaussian, signal_views
from tests.objectives.processes import in_processes

DIM = 12
# More than are kept as they came, so that some are summed up.
EMBEDDINGS = gaussian(5000, DIM) * torch.arange(1, DIM + 1) ** -0.5 + 1.0
VIEWS = signal_views(2000, 4, DIM, n_signal=4, ratio=3.0)
FEW = EMBEDDINGS[: DIM - 3]
UNTOUCHED = pytest.mark.filterwarnings(
    r"ignore:The ``compute`` method of metric \w+ was called before:UserWarning"
)


def own_measure(embeddings: Any) -> float:
    """Of all that moments hold: eigenvalues, and the spread of directions."""
    moments = moments_of(embeddings)
    return float(moments.covariance_eigenvalues()[0]) * moments.spread**3


KINDS: dict[str, tuple[type[Metric] | Any, Tensor, float]] = {
    "RankMe": (RankMeMetric, EMBEDDINGS, rankme(EMBEDDINGS)),
    "RankMe of few": (RankMeMetric, FEW, rankme(FEW)),
    "AlphaReQ": (
        lambda **kwargs: AlphaReQMetric(first_rank=2, last_rank=9, **kwargs),
        EMBEDDINGS,
        alpha_req(EMBEDDINGS, first_rank=2, last_rank=9).alpha,
    ),
    "LiDAR": (LiDARMetric, VIEWS, lidar(VIEWS)),
    "any": (
        lambda **kwargs: EmbeddingMetric(EmbeddingAccumulator(own_measure), **kwargs),
        EMBEDDINGS,
        own_measure(EMBEDDINGS),
    ),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def fed(kind: str, *batches: Tensor) -> Any:
    metric = KINDS[kind][0]()
    for batch in batches:
        metric.update(batch)
    return metric


@each_kind
@pytest.mark.parametrize("batch_size", [3, 300, 10_000])
def test_batches_give_the_value_of_the_function(kind: str, batch_size: int) -> None:
    _, data, wanted = KINDS[kind]
    cut = len(data) // 3
    value = fed(kind, *data[:cut].split(batch_size), *data[cut:].split(2100)).compute()
    assert value.dtype == torch.float64
    assert value.shape == ()
    assert value.item() == pytest.approx(wanted, rel=1e-9)


@each_kind
def test_its_memory_does_not_grow_with_the_number_of_batches(kind: str) -> None:
    _, data, _ = KINDS[kind]
    metric = KINDS[kind][0]()
    for call in (metric.update, metric.forward):
        for _ in range(2 if len(data) == len(FEW) else 10):
            for batch in data.split(500):
                call(batch)
                held = sum(part.numel() for part in metric.parts)
                assert held <= (2 * DIM + 5) * DIM + 1024 * DIM + 2 * batch.numel()


@each_kind
def test_forward_gives_the_value_of_the_batch_and_adds_it(kind: str) -> None:
    make, data, wanted = KINDS[kind]
    metric, cut = make(), len(data) * 2 // 3
    for batch in (data[:cut], data[cut:]):
        alone = make()
        alone.update(batch)
        assert metric(batch).item() == alone.compute().item()
    assert metric.compute().item() == pytest.approx(wanted, rel=1e-9)
    assert metric.update_count == 2


@each_kind
def test_forward_and_update_mix(kind: str) -> None:
    make, data, wanted = KINDS[kind]
    metric = make()
    for place, batch in enumerate(data.split(max(3, len(data) // 7))):
        (metric.update if place % 2 else metric.forward)(batch)
    assert metric.compute().item() == pytest.approx(wanted, rel=1e-9)


@each_kind
def test_computing_changes_nothing_and_reset_forgets(kind: str) -> None:
    _, data, wanted = KINDS[kind]
    metric = fed(kind, data[:-4] + 1.0)
    metric.compute()
    metric.reset()
    assert len(metric.parts) == 0
    metric.update(data[:-4])
    before = metric.compute()
    metric.update(data[-4:])
    assert metric.compute().item() == pytest.approx(wanted, rel=1e-9)
    assert before.item() != pytest.approx(wanted, rel=1e-9)


@each_kind
def test_clones_and_pickles_go_their_own_way(kind: str) -> None:
    _, data, wanted = KINDS[kind]
    metric = fed(kind, data[:-4])
    before = metric.compute()
    for twin in (metric.clone(), copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        twin.update(data[-4:])
        assert twin.compute().item() == pytest.approx(wanted, rel=1e-9)
    fresh = metric.clone()
    fresh.reset()
    assert metric.compute() == before


@each_kind
def test_state_is_saved_and_loaded_when_asked(kind: str) -> None:
    make, data, wanted = KINDS[kind]
    metric, other = fed(kind, data[:-4]), make()
    assert metric.state_dict() == {}
    metric.persistent(True)
    other.load_state_dict(metric.state_dict())
    other.update(data[-4:])
    assert other.compute().item() == pytest.approx(wanted, rel=1e-9)


@each_kind
def test_states_merge(kind: str) -> None:
    _, data, wanted = KINDS[kind]
    metric = fed(kind, data[:-4])
    metric.merge_state(fed(kind, data[-4:]))
    assert metric.compute().item() == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_no_cast_of_its_module_costs_digits(dtype: torch.dtype) -> None:
    metric = fed("RankMe", EMBEDDINGS[:100])
    torch.nn.ModuleList([metric]).to(dtype=dtype)
    metric.to("cpu").set_dtype(torch.float32)
    metric.update(EMBEDDINGS[100:])
    assert metric.compute().item() == pytest.approx(rankme(EMBEDDINGS), rel=1e-9)


def test_parts_of_several_processes_are_merged_for_the_value_and_then_let_go() -> None:
    metric = RankMeMetric(
        dist_sync_fn=lambda part, group: [part, torch.zeros(0, dtype=metric.dtype), part],
        distributed_available_fn=lambda: True,
    ).set_dtype(torch.float32)
    metric.update(EMBEDDINGS[:2000])
    twice = torch.cat([EMBEDDINGS[:2000], EMBEDDINGS[:2000]])
    assert metric.compute().item() == pytest.approx(rankme(twice), rel=1e-9)
    metric.update(EMBEDDINGS[2000:])
    twice = torch.cat([EMBEDDINGS, EMBEDDINGS])
    assert metric.compute().item() == pytest.approx(rankme(twice), rel=1e-9)


def test_a_synced_state_follows_its_module_too() -> None:
    metric = fed("RankMe", FEW)
    metric.sync(dist_sync_fn=lambda part, group: [part], distributed_available=lambda: True)
    assert isinstance(metric.parts, Tensor)
    metric.to(torch.float16)
    assert metric.parts.dtype == torch.float64
    metric.unsync()
    assert metric.compute().item() == pytest.approx(rankme(FEW), rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_embeddings_keep_their_dtype_and_are_not_changed(dtype: torch.dtype) -> None:
    rows = EMBEDDINGS.to(dtype)
    before = rows.clone()
    metric = fed("RankMe", *rows.split(777))
    assert metric.compute().item() == pytest.approx(rankme(rows), rel=1e-9)
    assert torch.equal(rows, before)
    assert rows.dtype == dtype


def test_numpy_and_gradients_are_taken() -> None:
    metric = RankMeMetric()
    metric.update(EMBEDDINGS[:2500].numpy())
    value = metric(EMBEDDINGS[2500:].clone().requires_grad_())
    assert not value.requires_grad
    assert metric.compute().item() == pytest.approx(rankme(EMBEDDINGS), rel=1e-9)


def collection() -> MetricCollection:
    return MetricCollection(
        {"rankme": RankMeMetric(), "alpha": KINDS["AlphaReQ"][0](), "lidar": LiDARMetric()}
    )


WANTED = {"rankme": KINDS["RankMe"][2], "alpha": KINDS["AlphaReQ"][2], "lidar": KINDS["LiDAR"][2]}


def test_a_collection_shares_one_pass_among_measures_of_the_same_embeddings() -> None:
    metrics = collection()
    for embeddings, views in zip(EMBEDDINGS.split(500), VIEWS.split(200), strict=True):
        metrics.update(embeddings=embeddings, views=views)
    assert sorted(map(sorted, metrics.compute_groups.values())) == [["alpha", "rankme"], ["lidar"]]
    values = {name: value.item() for name, value in metrics.compute().items()}
    assert values == pytest.approx(WANTED, rel=1e-9)
    metrics.reset()
    metrics.update(embeddings=EMBEDDINGS, views=VIEWS)
    values = {name: value.item() for name, value in metrics.clone().compute().items()}
    assert values == pytest.approx(WANTED, rel=1e-9)


def test_a_collection_may_mix_forward_and_update() -> None:
    metrics = collection()
    batches = zip(EMBEDDINGS.split(500), VIEWS.split(200), strict=True)
    for place, (embeddings, views) in enumerate(batches):
        call = metrics.forward if place % 3 == 0 else metrics.update
        call(embeddings=embeddings, views=views)
    values = {name: value.item() for name, value in metrics.compute().items()}
    assert values == pytest.approx(WANTED, rel=1e-9)


@UNTOUCHED
@each_kind
def test_nothing_seen_is_an_error(kind: str) -> None:
    with pytest.raises(EmbeddingError, match=r"got 0 (sample|image)"):
        KINDS[kind][0]().compute()


def test_options_are_checked_at_once_and_used() -> None:
    with pytest.raises(InvalidArgumentError, match=r"epsilon: got -1\.0"):
        RankMeMetric(epsilon=-1.0)
    with pytest.raises(InvalidArgumentError, match="first_rank: got 0"):
        AlphaReQMetric(first_rank=0)
    with pytest.raises(InvalidArgumentError, match=r"delta: got -1\.0"):
        LiDARMetric(delta=-1.0)
    metric = LiDARMetric(delta=0.5, relative_delta=True, epsilon=0.01)
    metric.update(VIEWS)
    wanted = lidar(VIEWS, delta=0.5, relative_delta=True, epsilon=0.01)
    assert metric.compute().item() == pytest.approx(wanted, rel=1e-9)
    metric = RankMeMetric(epsilon=0.01)
    metric.update(EMBEDDINGS)
    assert metric.compute().item() == pytest.approx(rankme(EMBEDDINGS, epsilon=0.01), rel=1e-9)


def test_alpha_is_nan_where_nothing_can_be_fitted() -> None:
    metric = AlphaReQMetric(refit=False)
    metric.update(FEW[:4])
    assert math.isnan(metric.compute().item())


@pytest.mark.parametrize(
    ("kind", "batch", "message"),
    [
        ("RankMe", EMBEDDINGS[:, 1:], r"batch: got shape \(5000, 11\), wanted dim 12 as in"),
        ("LiDAR", VIEWS[:, 1:], r"got shape \(2000, 3, 12\), wanted dim 12 and 4 views as in"),
        ("RankMe", EMBEDDINGS * math.nan, "embeddings: got 5000 of 5000 rows with NaN"),
        ("LiDAR", EMBEDDINGS, "views: got a 2-D array"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_and_leaves_no_trace(
    kind: str, batch: Tensor, message: str
) -> None:
    _, data, wanted = KINDS[kind]
    metric = fed(kind, data)
    with pytest.raises(EmbeddingError, match=message):
        metric.update(batch)
    assert metric.compute().item() == pytest.approx(wanted, rel=1e-9)


def test_facts_that_torchmetrics_asks_for() -> None:
    assert RankMeMetric.higher_is_better is LiDARMetric.higher_is_better is True
    assert AlphaReQMetric.higher_is_better is None  # a zone, no direction


def test_only_this_door_needs_torchmetrics_and_it_names_the_package_to_install() -> None:
    code = (
        "import sys, objectives, objectives.accumulators\n"
        "print('torchmetrics' in sys.modules)\n"
        "sys.modules['torchmetrics'] = None\n"
        "try:\n    import objectives.metrics\n"
        "except ImportError as error:\n    print(type(error).__name__, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    wanted = "False\nModuleNotFoundError objectives.metrics: got no package 'torchmetrics', wanted"
    assert done.stdout.startswith(wanted)
    assert "pip install torchmetrics" in done.stdout


def work(rank: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for kind, (make, data, _) in KINDS.items():
        for split, share in (("uneven", 0.9), ("idle", 1.0)):
            cut = round(len(data) * share)
            metric = make().to("cpu")
            for batch in data[cut:].split(800) if rank else data[:cut].split(800):
                if len(batch):
                    metric.update(batch)
            found[f"{kind}, {split}"] = metric.compute().item()
            metric.update(data)  # each goes on from its own share
            found[f"{kind}, {split}, more"] = metric.compute().item()
    metric = RankMeMetric(dist_sync_on_step=True)
    found["on step"] = metric(EMBEDDINGS[4000:] if rank else EMBEDDINGS[:4000]).item()
    found["after step"] = metric.compute().item()
    return found


@pytest.mark.slow
def test_two_processes_read_what_one_reads(tmp_path: Path) -> None:
    for found in in_processes(work, tmp_path):
        for kind, (_, data, wanted) in KINDS.items():
            more = fed(kind, data, data, data).compute().item()
            for split in ("uneven", "idle"):
                assert found[f"{kind}, {split}"] == pytest.approx(wanted, rel=1e-9)
                assert found[f"{kind}, {split}, more"] == pytest.approx(more, rel=1e-9)
        for name in ("on step", "after step"):
            assert found[name] == pytest.approx(rankme(EMBEDDINGS), rel=1e-9)
