"""Options from defaults, file and command line, and what is said about wrong ones."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from pydantic import ValidationError

from hpo.backbones import backbone_names
from hpo.config import CHANGEABLE, StudyConfig, ViewOptions, load_config
from hpo.errors import ConfigError
from hpo.methods import LEARNERS, METHODS
from objectives import DEFAULT_OBJECTIVE, measure_names
from search_spaces import SearchSpacesError

QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def written(folder: Path, text: str) -> Path:
    file = folder / "study.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def load(folder: Path, text: str, **options: Any) -> StudyConfig:
    return load_config(written(folder, text), options)


# Merging


def test_nothing_given_is_all_defaults() -> None:
    assert load_config(None, {}) == StudyConfig()


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "{}"])
def test_an_empty_file_is_all_defaults(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text) == StudyConfig()


@pytest.mark.parametrize("name", ["batch-size", "batch_size"])
def test_hyphens_and_underscores_are_alike(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, f"{name}: 32").batch_size == 32


@pytest.mark.parametrize("name", ["min-scale", "min_scale"])
def test_hyphens_and_underscores_are_alike_in_views(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, f"views:\n  {name}: 0.5").views == ViewOptions(min_scale=0.5)


@pytest.mark.parametrize("name", ["views", "fix", "data", "max-images"])
def test_an_option_without_a_value_was_not_given(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, f"{name}:\n") == StudyConfig()


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    config = load(tmp_path, "epochs: 9\nseed: 4\nmethod: byol", epochs=27, method="vicreg")
    assert (config.epochs, config.seed, config.method) == (27, 4, "vicreg")


def test_none_on_the_command_line_is_not_given(tmp_path: Path) -> None:
    assert load(tmp_path, "epochs: 9\nfix: {lr: 0.01}", epochs=None, fix=None).epochs == 9


def test_false_on_the_command_line_is_given(tmp_path: Path) -> None:
    assert load(tmp_path, "labels: true", labels=False).labels is False


def test_fixed_hyperparameters_add_up(tmp_path: Path) -> None:
    text = "fix:\n  lr: 0.01\n  temperature: 0.5"
    config = load(tmp_path, text, fix={"lr": "1e-3", "weight_decay": 0.0})
    assert config.fix == {"lr": 1e-3, "temperature": 0.5, "weight_decay": 0.0}


def test_views_add_up(tmp_path: Path) -> None:
    config = load(tmp_path, "views: {min-scale: 0.5, hf_prob: 1.0}", views={"hf_prob": "0"})
    assert config.views == ViewOptions(min_scale=0.5, hf_prob=0.0)


@pytest.mark.parametrize(
    ("word", "value"),
    [("1e-3", 1e-3), ("1", 1), ("2.50", 2.5), ("1E5", 1e5), ("0.001", 0.001)],
)
def test_numbers_are_read_as_numbers(tmp_path: Path, word: str, value: float) -> None:
    """YAML 1.1 takes 1e-3 for a word: it wants 1.0e-3."""
    for config in (
        load(tmp_path, f"fix: {{lr: {word}}}"),
        load_config(None, {"fix": {"lr": word}}),
    ):
        assert config.fix == {"lr": value}
        assert type(config.fix["lr"]) is type(value)


def test_the_space_has_the_fixed_values() -> None:
    config = load_config(None, {"method": "vicreg", "fix": {"lr": 0.5, "var": 1.0}})
    space = config.search_space()
    assert set(space) == {"weight_decay", "sim", "cov"}
    held = {"projector_width": "auto", "warmup_share": 0.1}
    assert space.fixed == {"lr": 0.5, "var": 1.0, **held}


def test_the_space_follows_the_optimizer() -> None:
    spaces = [load_config(None, {"optimizer": o}).search_space() for o in ("adamw", "sgd", "lars")]
    assert len({space.dimensions["lr"] for space in spaces}) == 3


@pytest.mark.parametrize(
    ("trials", "budget", "n_trials"),
    [(None, None, 16), (5, None, 5), (None, "1h", None), (5, "90s", 5), (None, "9 epochs", None)],
)
def test_limits(trials: int | None, budget: str | None, n_trials: int | None) -> None:
    config = load_config(None, {"trials": trials, "budget": budget})
    assert config.n_trials == n_trials


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"budget": "soon"}, ["budget", "soon", "8h", "epochs"]),
        ({"budget": "8h, 9h"}, ["budget", "8h, 9h"]),
        ({"zone": "wide"}, ["zone", "wide", "0.8..1.2"]),
        ({"filter_share": 0}, ["filter_share", "0"]),
        ({"sampler": "grid"}, ["sampler", "grid", "random"]),
        ({"labels": True, "check_labels": True}, ["check_labels", "together with labels"]),
        ({"space": {"lr": {"low": -1, "high": 1, "log": False}}}, ["lr", "-1", "1e-08"]),
        ({"warm_start": ["postgresql://me:secret@host/db#s"]}, ["from: got a URL", "password"]),
    ],
)
def test_what_limits_and_filters_cannot_be(options: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, options)
    assert all(word in str(caught.value) for word in words)


# What the rest of the package knows, the configuration takes


@pytest.mark.parametrize(
    ("option", "known"),
    [
        ("method", {*METHODS, *LEARNERS}),
        ("objective", set(measure_names())),
        ("backbone", {"auto", *backbone_names()}),
    ],
)
def test_exactly_what_exists_is_taken(option: str, known: set[str]) -> None:
    for name in known:
        assert getattr(load_config(None, {option: name}), option) == name
    with pytest.raises(ConfigError) as caught:
        load_config(None, {option: "§"})
    listed = re.search(r"Known: ([^.]*)\.", str(caught.value))
    assert listed is not None
    assert set(listed[1].split(", ")) == known


def test_what_may_change_are_options() -> None:
    assert set(StudyConfig.model_fields) >= CHANGEABLE


# Wrong options


def test_several_unknown_options_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "epoch: 3\nbach-size: 4\nqqqq: 5", meth="x")
    message = str(caught.value)
    assert "study.yaml: unknown option 'epoch' (did you mean 'epochs'?)" in message
    assert "'bach_size' (did you mean 'batch_size'?)" in message
    assert (
        "'qqqq', 'meth' (did you mean 'method'?). Known: accumulate, address, backbone" in message
    )


def test_an_unknown_option_of_the_views(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"views: unknown option 'min_scal' \(did you mean 'min_"):
        load(tmp_path, "views: {min-scal: 0.5}")
    with pytest.raises(
        ConfigError, match=r"options: views: unknown option 'zzz'\. Known: cj_bright"
    ):
        load_config(None, {"views": {"zzz": 1}})


IMPOSSIBLE: list[tuple[str, Any]] = [
    ("data", 3),
    ("max_images", 0),
    ("max_images", 2.5),
    ("image_size", 7),
    ("image_size", 513),
    ("max_unreadable_share", 1.0),
    ("max_unreadable_share", -0.1),
    ("labels", "perhaps"),
    ("check_labels", 2),
    ("epochs", 0),
    ("epochs", "many"),
    ("batch_size", 3),
    ("optimizer", "adam"),
    ("views", 3),
    ("fix", 3),
    ("fix", ["lr"]),
    ("warm_start", 3),
    ("from_trials", 0),
    ("weights", 3),
    ("accumulate", 0),
    ("clip_norm", 0.0),
    ("compile", "perhaps"),
    ("pipeline", "fast"),
    ("precision", "float16"),
    ("preset", 3),
    ("space", 3),
    ("search", 3),
    ("search_views", "perhaps"),
    ("devices", 0),
    ("workers", 0),
    ("loader_workers", -1),
    ("engine", "dask"),
    ("address", 3),
    ("max_concurrent", 0),
    ("cpus_per_trial", 0.0),
    ("gpus_per_trial", -1.0),
    ("storage_path", 3),
    ("storage", 3),
    ("log", "comet"),
    ("study_name", ""),
    ("cache_dir", 3),
    ("cache_gib", -1.0),
    ("trials", 0),
    ("trials", -1),
    ("budget", "10"),
    ("budget", "0s"),
    ("budget", 600),
    ("rung_factor", 1),
    ("rungs", 0),
    ("sampler", "grid"),
    ("prune", 2),
    ("filter", "perhaps"),
    ("zone", "wide"),
    ("filter_share", 0),
    ("filter_share", 1.5),
    ("explore_share", 1.0),
    ("patience", 0),
    ("probe_batch", 0),
    ("probe_best", 0),
    ("probe_best", 3),
    ("probe_all", "perhaps"),
    ("probe_rungs", "perhaps"),
    ("probe_images", 1),
    ("finalists", 0),
    ("replicates", -1),
    ("replicate_share", 1.0),
    ("keep", 0),
    ("checkpoint_gib", 0),
    ("probe_share", 1.0),
    ("probe_share", float("nan")),
    ("shortlist_share", 0.0),
    ("shortlist_share", 1.5),
    ("least_moved", -0.1),
    ("least_moved", 1.1),
    ("measure_images", 1),
    ("lidar_views", 1),
    ("both_layers", "perhaps"),
    ("out", 3),
    ("data_root", 3),
    ("seed", -1),
    ("seed", 2**31),
    ("device", "tpu"),
    ("threads", 0),
    ("method", 3),
    ("objective", 3),
    ("backbone", 3),
]


@pytest.mark.parametrize(("option", "value"), IMPOSSIBLE)
def test_an_impossible_value_is_named_with_its_option(option: str, value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {option: value})
    line = str(caught.value)
    name = "from" if option == "warm_start" else option  # as it is written
    assert line.startswith(f"{name}: got {value!r}"), line
    assert "\n" not in line
    assert isinstance(caught.value, ValueError)


def test_no_option_was_forgotten_above() -> None:
    assert {option for option, _ in IMPOSSIBLE} == set(StudyConfig.model_fields)


@pytest.mark.parametrize("option", sorted(ViewOptions.model_fields))
def test_an_impossible_view_option(option: str) -> None:
    with pytest.raises(ConfigError, match=rf"^views\.{option}: got -1; input should be greater"):
        load_config(None, {"views": {option: -1}})


def test_all_impossible_values_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "epochs: 0\nmethod: simclrr\nbudget: soon\nviews: {hf_prob: 2}")
    starts = sorted(line.partition(":")[0] for line in str(caught.value).splitlines())
    assert starts == ["budget", "epochs", "method", "views.hf_prob"]


@pytest.mark.parametrize(
    ("option", "value", "nearest"),
    [
        ("method", "SimCLR-", "simclr"),
        ("method", "barlow-twins", "barlow_twins"),
        ("method", "vicregg", "vicreg"),
        ("objective", "RankMe", "rankme"),
        ("objective", "alpha-req", "alpha_req"),
        ("objective", "lidr", "lidar"),
        ("backbone", "ResNet18", "resnet18"),
        ("backbone", "resnet10-narrow", "resnet10_narrow"),
    ],
)
def test_a_slip_of_the_finger_gets_the_nearest_name(option: str, value: str, nearest: str) -> None:
    message = f"^{option}: got {value!r}, which is no known {option}. Did you mean {nearest!r}?"
    with pytest.raises(ConfigError, match=message):
        load_config(None, {option: value})


@pytest.mark.parametrize(
    ("method", "fix", "message"),
    [
        ("simclr", {"tempratur": 0.1}, "'tempratur' is no hyperparameter of simclr. Did you mean"),
        ("simclr", {"sim": 1.0}, "'sim' is no hyperparameter of simclr"),
        ("simclr", {"lr": "fast"}, "lr: got 'fast'; wanted a finite number"),
        ("simclr", {"lr": "nan"}, "lr: got nan; wanted a finite number"),
        ("simclr", {"lr": -1}, "lr: got -1; only values in [1e-08, inf] mean anything"),
        ("simclr", {"lr": 0}, "lr: got 0; only values in"),
        ("simclr", {"weight_decay": -0.1}, "weight_decay: got -0.1; only values in [0.0, inf]"),
        ("simclr", {"lr": "-inf"}, "lr: got -inf; wanted a finite number"),
        ("vicreg", {"var": "abc"}, "var: got 'abc'; wanted a finite number"),
        ("simclr", {"lr": True}, "lr: got True; wanted a number"),
        ("simclr", {"lr": [1]}, "lr"),
    ],
)
def test_what_cannot_be_fixed(method: str, fix: dict[str, Any], message: str) -> None:
    """As a ConfigError like every other option, not as an error of search_spaces."""
    with pytest.raises(ConfigError, match=r"^fix[:.]") as caught:
        load_config(None, {"method": method, "fix": fix})
    assert message in str(caught.value)
    assert not isinstance(caught.value, SearchSpacesError)


def test_a_configuration_made_by_hand_is_checked_too() -> None:
    with pytest.raises(ValidationError, match="epochs"):
        StudyConfig(epochs=0)
    with pytest.raises(ValidationError, match="frozen"):
        StudyConfig().epochs = 3  # type: ignore[misc]


def test_the_default_objective_is_that_of_the_measures() -> None:
    assert StudyConfig().objective == DEFAULT_OBJECTIVE


# The search space of a configuration


def test_ranges_of_file_and_command_line_add_up(tmp_path: Path) -> None:
    text = "space:\n  temperature: {low: 1e-1, high: 0.3}\n  lr: [1e-3, 0.002]"
    space = load(tmp_path, text, space={"weight_decay": {"high": 0.02}}).search_space()
    assert (space.dimensions["temperature"].low, space.dimensions["temperature"].high) == (0.1, 0.3)
    assert space.dimensions["lr"].choices == (1e-3, 0.002)
    assert space.dimensions["weight_decay"].high == 0.02


def test_what_is_held_can_be_searched() -> None:
    assert "projector_width" not in load_config(None, {}).search_space()
    space = load_config(None, {"search": ["projector_width", "warmup_share"]}).search_space()
    assert {"projector_width", "warmup_share"} <= set(space)


def test_searched_and_fixed_is_a_contradiction() -> None:
    with pytest.raises(ConfigError, match="'lr' is to be searched and to be fixed"):
        load_config(None, {"search": ["lr"], "fix": {"lr": 0.1}})


def test_views_can_be_searched_but_for_those_set_by_hand() -> None:
    options = {"search_views": True, "views": {"min_scale": 0.4, "hf_prob": 0.0}}
    space = load_config(None, options).search_space()
    assert "cj_strength" in space
    assert "min_scale" not in space
    assert space.fixed["min_scale"] == 0.4


def test_a_preset_is_a_space() -> None:
    wide = load_config(None, {"preset": "wide"}).search_space().dimensions["lr"]
    plain = load_config(None, {}).search_space().dimensions["lr"]
    assert wide.low < plain.low < plain.high < wide.high
    with pytest.raises(ConfigError, match="preset"):
        load_config(None, {"preset": "wider"})


def test_a_method_of_the_users_has_its_own_space(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(
        "from hpo.methods import method\nfrom search_spaces import Float\n"
        "@method(knob=Float(0.0, 1.0, default=0.5))\ndef mine(dim, *, knob): ...\n"
    )
    space = load_config(None, {"method": f"{file}:mine", "fix": {"knob": 0.25}}).search_space()
    assert set(space) == {"lr", "weight_decay"}
    assert space.fixed["knob"] == 0.25


def test_a_refused_method_says_why() -> None:
    with pytest.raises(ConfigError, match="method: got 'empssl', which is not offered"):
        load_config(None, {"method": "empssl"})
