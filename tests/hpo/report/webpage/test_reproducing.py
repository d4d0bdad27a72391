"""The configuration of the page trains the chosen trial again."""

from __future__ import annotations

from pathlib import Path

import yaml

from hpo.config import StudyConfig
from hpo.report.webpage.material import Material
from hpo.report.webpage.reproducing import reproduction_of
from hpo.storage import StudyDirectory
from tests.hpo.report.webpage.made_pages import LR, TEMPERATURE, WIDTH, add, choose, empty_study


def test_the_chosen_trial_alone_has_nothing_left_to_search(tmp_path: Path) -> None:
    study = empty_study(
        tmp_path,
        preset="wide",
        space={"projector_width": ["auto", 64, 128], "lr": {"low": 1e-4, "high": 1e-2}},
        search=["projector_width", "warmup_share"],
        budget="8h",
        storage="sqlite:///elsewhere.db",
        seed=7,
    )
    params = {"lr": 0.0123456789, "temperature": 0.3, "projector_width": 64}
    spaces = {"lr": LR, "temperature": TEMPERATURE, "projector_width": WIDTH}
    every = {**params, "weight_decay": 0.02, "warmup_share": 0.05}
    number = add(study, params=params, distributions=spaces, attrs={"hyperparameters": every})
    choose(study, number)
    found = reproduction_of(Material.of(study, StudyDirectory(tmp_path), running=False))
    config = StudyConfig(**yaml.safe_load(found.single))
    space = config.search_space()
    assert dict(space.dimensions) == {}
    assert {name: space.fixed[name] for name in every} == every
    assert (config.trials, config.budget, config.storage, config.seed) == (1, None, None, 7)
    assert config.out != tmp_path
    assert found.seeds.startswith("7 for the split")


def test_the_studys_file_is_shown_as_it_is(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    directory = StudyDirectory(tmp_path)
    made = Material.of(study, directory, running=False)
    assert yaml.safe_load(reproduction_of(made).config)["method"] == "simclr"
    directory.config_file.write_text("# mine\nmethod: byol\n")
    assert reproduction_of(made).config == "# mine\nmethod: byol\n"
    assert reproduction_of(made).single == ""


def test_replicates_name_their_seeds(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    add(study)
    for seed in (5, 3):
        add(study, attrs={"replicate_of": 0, "seed": seed})
    made = Material.of(study, StudyDirectory(tmp_path), running=False)
    assert "replicates under 3, 5" in reproduction_of(made).seeds
