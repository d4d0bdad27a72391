"""The page of a study that was really trained, without labels and with them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from hpo.cli import app
from hpo.report.webpage.images_of_study import seen_by_chosen, workload_of
from hpo.report.webpage.material import Material
from hpo.report.webpage.reproducing import reproduction_of
from hpo.report.webpage.spectra import spectra_of
from hpo.storage import StudyDirectory, load_study
from tests.hpo.report.webpage.made_pages import page_of
from tests.hpo.studies import tiny_arguments

pytestmark = pytest.mark.slow


def ran(out: Path, **options: object) -> Material:
    result = CliRunner().invoke(app, ["run", *tiny_arguments(out, max_images=400, **options)])
    assert result.exit_code == 0, result.output
    directory = StudyDirectory(out)
    return Material.of(load_study(directory), directory, running=False)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return ran(tmp_path_factory.mktemp("plain") / "out", trials=3, replicates=0)


def test_without_labels_the_chosen_backbone_is_asked_itself(plain: Material) -> None:
    page = page_of(plain.study, plain.directory.out)
    assert "images that only the measures saw" in page.text
    assert "class" not in " ".join(a["alt"] for tag, a in page.tags if tag == "img")
    assert len([1 for tag, _ in page.tags if tag == "img"]) == 12 * 6 + 6 * 7
    assert "cannot be known: no trial was probed" in page.text


def test_the_spectrum_of_the_chosen_trial_has_its_alpha(plain: Material) -> None:
    found = spectra_of(plain, workload_of(plain))
    assert found.drawn[0]["role"] == "chosen"
    assert plain.chosen is not None
    assert found.drawn[0]["alpha"] == pytest.approx(plain.chosen.alpha, rel=1e-3)


def test_the_page_s_configuration_trains_the_same_backbone_again(
    plain: Material, tmp_path: Path
) -> None:
    config = yaml.safe_load(reproduction_of(plain).single)
    file = tmp_path / "chosen.yaml"
    file.write_text(yaml.safe_dump({**config, "out": str(tmp_path / "again")}))
    result = CliRunner().invoke(app, ["run", "--config", str(file)])
    assert result.exit_code == 0, result.output
    directory = StudyDirectory(tmp_path / "again")
    again = Material.of(load_study(directory), directory, running=False)
    assert len(again.rows) == 1
    assert again.rows[0].objective == plain.chosen.objective  # type: ignore[union-attr]


def test_with_labels_the_probe_s_features_are_used(tmp_path: Path) -> None:
    labelled = ran(tmp_path / "out", trials=2, labels=True)
    seen = seen_by_chosen(labelled, workload_of(labelled))
    assert seen.source.endswith("labelled images that only probes saw")
    assert seen.labels is not None
    page = page_of(labelled.study, labelled.directory.out)
    alts = [a["alt"] for tag, a in page.tags if tag == "img"]
    assert any("same class" in alt for alt in alts)
    assert "linear probe" in page.texts("dt")
