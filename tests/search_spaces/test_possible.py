"""Which values may be fixed."""

from typing import Any

import pytest

from search_spaces import Categorical, Float, Int, SearchSpace, SpaceError

MADE = SearchSpace(
    "made",
    {
        "whole": Categorical((256, 1024), default=256),
        "share": Categorical((0.25, 1.0), default=1.0),
        "word": Categorical(("off", "on"), default="on"),
        "mixed": Categorical(("auto", 64), default="auto"),
        "bounded": Float(0.1, 0.5, default=0.2, least=0.0, most=1.0),
        "count": Int(1, 4, default=2, least=1),
        "below": Float(0.1, 0.5, default=0.2, most=1.0),
    },
    fixed={"name": "x", "number": 2.5, "n": 3},
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("whole", 300),
        ("share", 0.3),
        ("share", 2),
        ("word", "half"),
        ("mixed", 65),
        ("mixed", "other"),
        ("bounded", 0.0),
        ("bounded", 1),
        ("count", 99),
        ("below", -5.0),
        ("name", "y"),
        ("number", 3),
        ("n", 4.5),
    ],
)
def test_a_value_of_the_right_kind_may_lie_outside(name: str, value: Any) -> None:
    assert MADE.freeze({name: value}).fixed[name] == value


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("whole", "300", "wanted a whole number"),
        ("whole", 300.0, "wanted a whole number"),
        ("share", "half", "wanted a finite number"),
        ("share", float("nan"), "wanted a finite number"),
        ("share", True, "wanted a finite number"),
        ("word", 1, "wanted a word such as 'on'"),
        ("word", True, "wanted a word such as 'on'. YAML reads on, off, yes and no as truth"),
        ("mixed", 64.5, "wanted a whole number or a word such as 'auto'"),
        ("bounded", -0.1, r"got -0.1; only values in \[0.0, 1.0\] mean anything"),
        ("bounded", 1.1, r"only values in \[0.0, 1.0\]"),
        ("below", 1.5, r"only values in \[-inf, 1.0\]"),
        ("count", 0, r"only values in \[1, inf\]"),
        ("count", "2", "wanted a finite number"),
        ("name", 3, "wanted a word such as 'x'"),
        ("number", "3", "wanted a finite number"),
    ],
)
def test_another_kind_or_meaning_is_refused(name: str, value: Any, wanted: str) -> None:
    with pytest.raises(SpaceError, match=wanted) as caught:
        MADE.freeze({name: value})
    assert str(caught.value).startswith(f"{name}: got {value!r}")
