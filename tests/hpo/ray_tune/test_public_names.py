"""What `hpo.ray_tune` offers, and when it loads what it needs."""

import pkgutil
import subprocess
import sys

import pytest

import hpo.ray_tune
import hpo.ray_tune.public

LOADED = "import sys; print(sorted({'ray', 'torch', 'optuna'} & {*sys.modules}))"
WITHOUT_RAY = "import sys; sys.modules['ray'] = None; "


def said(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def test_importing_it_loads_neither_ray_nor_torch() -> None:
    assert said(f"import hpo, hpo.ray_tune; {LOADED}") == "[]"
    assert "'ray'" in said(f"import hpo.ray_tune; hpo.ray_tune.trainable; {LOADED}")


def test_all_names_are_there_sorted_and_listed() -> None:
    names = hpo.ray_tune.__all__
    assert names == sorted(names) == hpo.ray_tune.public.__all__
    assert set(names) <= set(dir(hpo.ray_tune))
    for name in names:
        assert getattr(hpo.ray_tune, name) is getattr(hpo.ray_tune.public, name)


def test_no_module_bears_a_public_name() -> None:
    """It would take the name's place in the package once it was imported."""
    modules = {module.name for module in pkgutil.iter_modules(hpo.ray_tune.__path__)}
    assert "user_trainable" in modules
    assert modules & set(hpo.ray_tune.__all__) == set()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'hpo\.ray_tune' has no attribute 'trainabel'"):
        hpo.ray_tune.trainabel  # noqa: B018


def test_without_ray_the_error_says_what_to_install() -> None:
    words = said(WITHOUT_RAY + "from hpo.ray_tune import trainable")
    assert words.splitlines()[-1] == (
        "hpo.ray_tune.missing.RayMissingError: ray: is not installed here, and trainable needs "
        "it. Run: pip install 'ray[tune]'."
    )
