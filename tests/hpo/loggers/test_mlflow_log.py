"""MLflow: a real tracking store in a file, read back by its own client."""

from pathlib import Path
from typing import Any

import pytest

from hpo.loggers import KeepingUp, open_loggers
from hpo.storage import StudyDirectory
from tests.hpo.dashboard.made import begin, end, made_study

mlflow = pytest.importorskip("mlflow")
# MLflow 3.17 still asks SQLAlchemy for what 2.1 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    return mlflow.MlflowClient()


def session(study: Any, directory: StudyDirectory, group: str) -> None:
    (logger,) = open_loggers(["mlflow"], directory, group)
    KeepingUp(study, logger).sync()
    logger.close()


def runs(client: Any, group: str) -> list[Any]:
    experiment = client.get_experiment_by_name(group)
    return list(client.search_runs([experiment.experiment_id], order_by=["tags.trial ASC"]))


def test_a_trial_is_a_run_of_the_studys_experiment(tmp_path: Path, client: Any) -> None:
    study, directory = made_study(tmp_path)
    end(begin(study), None)
    end(begin(study, epochs=(1,)), None, kind="collapse", reason="constant: " + "é" * 6000)
    end(begin(study, epochs=()), None, kind="error", reason="no memory")
    begin(study, epochs=(1,))
    session(study, directory, "photos")
    finished, collapsed, failed, running = runs(client, "photos")
    assert finished.info.run_name == "trial 0"
    assert finished.data.params["warmup_share"] == "0.1"
    assert set(finished.data.params) == {"lr", "warmup_share"}
    history = client.get_metric_history(finished.info.run_id, "rankme")
    assert [(point.step, point.value) for point in history] == [(1, 6.0), (3, 8.0), (9, 14.0)]
    assert finished.data.metrics["final_rankme"] == 14.0
    tags = [run.data.tags["state"] for run in (finished, collapsed, failed, running)]
    assert tags == ["finished", "collapsed", "failed", "running"]
    assert collapsed.data.tags["reason"].startswith("constant: éé")
    ends = [run.info.status for run in (finished, collapsed, failed, running)]
    assert ends == ["FINISHED", "KILLED", "FAILED", "RUNNING"]
    assert finished.info.end_time >= finished.info.start_time > 1e12


def test_another_session_goes_on_in_the_same_run(tmp_path: Path, client: Any) -> None:
    study, directory = made_study(tmp_path)
    trial = begin(study, epochs=(1,))
    session(study, directory, "resumed")
    trial.set_user_attr("rung/3", {"rankme": 8.0})
    trial.report(8.0, step=3)
    end(trial, None)
    for _ in range(2):
        session(study, directory, "resumed")
    (run,) = runs(client, "resumed")
    history = client.get_metric_history(run.info.run_id, "rankme")
    assert [point.step for point in history] == [1, 3]
    assert run.info.status == "FINISHED"


def test_a_server_that_never_had_the_run_gets_it_whole(tmp_path: Path, client: Any) -> None:
    study, directory = made_study(tmp_path)
    trial = begin(study, epochs=(1, 3))
    session(study, directory, "moved")
    (run,) = runs(client, "moved")
    client.delete_run(run.info.run_id)
    end(trial, None)
    session(study, directory, "moved")
    (again,) = runs(client, "moved")
    assert again.info.run_id != run.info.run_id
    assert len(client.get_metric_history(again.info.run_id, "rankme")) == 2


def test_nothing_of_the_server_is_stored_in_the_study(
    tmp_path: Path, server: str, client: Any
) -> None:
    study, directory = made_study(tmp_path)
    begin(study)
    session(study, directory, "secret")
    stored = study._storage.get_study_system_attrs(study._study_id)
    assert server not in str(stored) + str(study.user_attrs) + str(study.trials)
