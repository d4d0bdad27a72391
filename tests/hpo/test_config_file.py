"""Configuration files: what is refused, and that a written one reads back the same."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.config import StudyConfig, ViewOptions, load_config, to_yaml
from hpo.errors import ConfigError

QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def written(folder: Path, text: str) -> Path:
    file = folder / "study.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def load(folder: Path, text: str, **options: Any) -> StudyConfig:
    return load_config(written(folder, text), options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- epochs\n- seed", "holds a list; wanted `option: value` lines"),
        ("epochs", "holds a str; wanted"),
        ("epochs: [1", "is no valid YAML"),
        ("epochs: 3\n\tseed: 4", "is no valid YAML"),
    ],
)
def test_a_file_that_holds_no_options(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"config: .*study\.yaml") as caught:
        load(tmp_path, text)
    assert message in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x81")
    for name in ("missing.yaml", "binary.yaml", ""):
        with pytest.raises(ConfigError, match="cannot be read"):
            load_config(tmp_path / name, {})


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:pathlib.Path.touch [{0}]",
        "!!python/name:os.system",
        '!!python/object/apply:os.system ["touch {0}"]',
    ],
)
def test_a_file_cannot_run_anything(tmp_path: Path, tag: str) -> None:
    victim = tmp_path / "ran"
    with pytest.raises(ConfigError, match="no valid YAML"):
        load(tmp_path, f"data: {tag.format(victim)}")
    assert not victim.exists()


# Round trip


def test_a_full_configuration_is_read_back(tmp_path: Path) -> None:
    config = StudyConfig(
        data="ä ö: #1",
        data_root=Path("/some where"),
        method="vicreg",
        fix={"lr": 1e-5, "var": 25},
        views=ViewOptions(min_scale=0.3, hf_prob=0.0),
        budget="1h30m",
        out=Path("a b/c"),
        shortlist_share=1 / 3,
    )
    assert load(tmp_path, to_yaml(config)) == config


def test_the_defaults_are_read_back(tmp_path: Path) -> None:
    assert load(tmp_path, to_yaml(StudyConfig())) == StudyConfig()


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)


@QUICK
@given(
    data=words,
    fix=st.fixed_dictionaries(
        {},
        optional={
            "lr": st.floats(1e-8, allow_infinity=False) | st.integers(1, 10**12),
            "weight_decay": st.floats(0.0, allow_infinity=False) | st.integers(0, 10**12),
            "temperature": st.floats(allow_nan=False, allow_infinity=False)
            | st.integers(-(10**12), 10**12),
        },
    ),
    share=st.floats(0.0, 1.0, exclude_max=True),
    trials=st.none() | st.integers(1, 10**9),
    budget=st.sampled_from([None, "10m", "1.5h", "90s"]),
)
def test_any_configuration_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    data: str,
    fix: dict[str, float],
    share: float,
    trials: int | None,
    budget: str | None,
) -> None:
    config = StudyConfig(data=data, fix=dict(fix), probe_share=share, trials=trials, budget=budget)
    assert load(tmp_path_factory.getbasetemp(), to_yaml(config)) == config
