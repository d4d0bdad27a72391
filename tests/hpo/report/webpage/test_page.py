"""The whole page, from studies in every state, without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution

from hpo.errors import StorageError
from hpo.report.webpage import report_page, write_report
from hpo.storage import StudyDirectory
from tests.hpo.report.webpage.made_pages import (
    LR,
    TEMPERATURE,
    Page,
    add,
    choose,
    empty_study,
    page_of,
    sized_study,
)

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
ORDER = ["result", "trust", "trials", "curves", "spectra", "landscape", "importance", "budget"]
ORDER += ["pictures", "reproduce"]


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Page:
    out = tmp_path_factory.mktemp("big") / "photos"
    return page_of(sized_study(out, 60), out)


def test_all_sections_are_there_in_their_order(big: Page) -> None:
    ids = [attrs["id"] for tag, attrs in big.tags if tag in ("section", "div") and "id" in attrs]
    assert [name for name in ids if name in ORDER] == ORDER
    links = [a["href"] for tag, a in big.tags if tag == "a" and a.get("href", "").startswith("#")]
    assert set(links) >= {f"#{name}" for name in ORDER}
    assert "Does the measure predict the probe here?" in big.texts("h2")
    assert big.texts("h1") == ["Trial 0 was chosen"]
    assert "Highest guarded_rank." in big.text
    rows = [attrs for tag, attrs in big.tags if tag == "tr" and attrs.get("class") == "chosen"]
    assert [attrs["data-number"] for attrs in rows if "data-number" in attrs] == ["0"]


def test_a_page_of_sixty_trials_is_small_and_asks_for_nothing(big: Page) -> None:
    assert len(big.html.encode()) < 5e6
    addresses = [
        attrs[name]
        for _, attrs in big.tags
        for name in ("src", "href", "action", "data", "poster", "srcset")
        if attrs.get(name)
    ]
    assert addresses
    assert [a for a in addresses if not a.startswith(("#", "data:"))] == []
    styles = "".join(big.texts("style"))
    assert "@import" not in styles
    assert "url(" not in styles


def test_five_hundred_trials_fit_as_well(tmp_path: Path) -> None:
    page = page_of(sized_study(tmp_path / "s", 500), tmp_path / "s")
    assert len(page.html.encode()) < 5e6
    assert len([1 for tag, attrs in page.tags if tag == "tr" and "data-number" in attrs]) == 500
    curves = page.data()["curves"]
    assert curves["n_trials"] == 500


def test_nothing_that_a_user_wrote_becomes_markup(tmp_path: Path) -> None:
    out = tmp_path / "a <script>alert(1)<" / "script>"
    study = empty_study(tmp_path, data=EVIL, fix={"lr": 0.1})
    choices = CategoricalDistribution((EVIL, "b"))
    for n in range(6):
        add(
            study,
            "finished" if n % 2 else "collapse",
            reason=EVIL,
            params={"lr": 0.01 * (n + 1), EVIL: EVIL if n % 3 else "b"},
            distributions={"lr": LR, EVIL: choices},
            **{EVIL: 1.0},
        )
    choose(study, 1, EVIL)
    page = page_of(study, out)
    clean = page_of(sized_study(tmp_path / "x", 6), tmp_path / "x")
    assert not [attrs for tag, attrs in page.tags if "onerror" in attrs]
    n_scripts = [sum(tag == "script" for tag, _ in p.tags) for p in (page, clean)]
    assert n_scripts[0] == n_scripts[1]
    assert EVIL in " ".join(page.texts("td"))  # as text it is there, unharmed
    assert page.data()["places"]["dimensions"][0]["name"] in (EVIL, "lr")


def test_a_running_study_says_that_its_page_is_partial(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    add(study)
    add(study, "running", epoch=6)
    page = page_of(study, tmp_path, running=True)
    assert page.texts("h1") == ["Nothing chosen yet: the study is running"]
    assert "running: this page is partial" in page.text
    assert "1 of 2 trials have ended so far" in page.text


def test_a_study_that_ended_before_its_choice_says_how_to_go_on(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    add(study, "running", epoch=6)
    add(study, "halving", epoch=18)
    page = page_of(study, tmp_path)
    assert page.texts("h1") == ["Nothing chosen yet"]
    assert "0 of 2 trials finished" in page.text
    assert f"goldilocks run --config {tmp_path}/config.yaml" in page.text
    assert "0 finished trials; 4 or more are wanted" in page.text
    assert "No nearest neighbours: nothing was chosen" in page.text


def test_a_study_whose_trials_all_collapsed_says_why(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    for _ in range(3):
        add(study, "collapse", epoch=6, reason="backbone collapsed, constant")
    page = page_of(study, tmp_path)
    assert page.texts("h1") == ["Nothing chosen: all 3 trials collapsed"]
    assert "The last reason was: backbone collapsed, constant." in page.text


def test_a_study_without_trials_has_a_page(tmp_path: Path) -> None:
    page = page_of(empty_study(tmp_path), tmp_path)
    assert page.texts("h1") == ["Nothing chosen: no trial was started"]
    assert "No trial has been measured yet" in page.text


def test_one_trial_is_enough_for_a_page(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    choose(study, add(study))
    page = page_of(study, tmp_path)
    assert page.texts("h1") == ["Trial 0 was chosen"]
    assert len(page.data()["curves"]["trials"]) == 1


def test_undefined_values_leave_gaps_and_no_nan(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    nan = float("nan")
    add(study, "halving", guarded_rank=nan, alpha_req=nan, rankme=float("inf"))
    add(study, "failed", epoch=0)
    choose(study, add(study))
    page = page_of(study, tmp_path)
    names = [each["name"] for each in page.data()["curves"]["measures"]]
    first = page.data()["curves"]["trials"][0]
    assert first["values"][names.index("alpha_req")] == [None, None, None]
    assert not re.search(r"\b(nan|inf)\b", page.text)


def test_conditional_hyperparameters_are_gaps_where_a_trial_has_none(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    for n in range(6):
        params = {"lr": 0.01 * (n + 1)} | ({"temperature": 0.1 * (n + 1)} if n % 2 else {})
        spaces = {"lr": LR, "temperature": TEMPERATURE}
        add(study, params=params, distributions={name: spaces[name] for name in params})
    choose(study, 0)
    places = page_of(study, tmp_path).data()["places"]
    where = [each["name"] for each in places["dimensions"]].index("temperature")
    assert [trial["values"][where] is None for trial in places["trials"]] == [True, False] * 3


def test_data_that_are_gone_are_said_to_be_gone(tmp_path: Path) -> None:
    study = empty_study(tmp_path, data=str(tmp_path / "moved away"))
    choose(study, add(study))
    page = page_of(study, tmp_path)
    assert "No nearest neighbours: There is no file or folder" in page.text
    assert "No augmented views: There is no file or folder" in page.text


def test_other_images_at_the_same_place_are_not_shown(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    study.set_user_attr("identity", {"images": "400 images, sha256 000000000000"})
    choose(study, add(study))
    assert "digits holds other images than when the study was made" in page_of(study, tmp_path).text


def test_a_study_of_an_older_version_is_readable(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    config = study.user_attrs["config"]
    older = {k: config[k] for k in ("data", "method", "epochs", "batch_size", "objective", "zone")}
    study.set_user_attr("config", {**older, "an_option_that_went": 3})
    choose(study, add(study))
    page = page_of(study, tmp_path)
    assert "What it was trained on" in page.texts("h3")
    study.set_user_attr("config", {**older, "optimizer": "lamb"})
    assert "optimizer: Input should be 'adamw', 'lars' or 'sgd'" in page_of(study, tmp_path).text


def test_a_study_of_somebody_elses_loop_has_a_page(tmp_path: Path) -> None:
    study = optuna.create_study(direction="minimize")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1) ** 2, n_trials=5)
    page = page_of(study, tmp_path)
    assert "it was not made by `goldilocks run`" in page.text
    assert "Nothing chosen yet" in page.texts("h1")


def test_a_study_of_a_ray_cluster_has_the_same_page(tmp_path: Path) -> None:
    study = empty_study(tmp_path, engine="ray")
    choose(study, add(study))
    assert "What it was trained on" in page_of(study, tmp_path).texts("h3")


def test_several_objectives_are_refused(tmp_path: Path) -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    with pytest.raises(StorageError, match="got a study of 2 objectives"):
        report_page(study, StudyDirectory(tmp_path), running=False)


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    target = tmp_path / "report.html"
    target.mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        write_report(study, StudyDirectory(tmp_path), target, running=False)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
