"""Spaces that several tests ask for values."""

from search_spaces import (
    AtLeast,
    Below,
    Categorical,
    Float,
    Int,
    SearchSpace,
    When,
    get,
    method_names,
)

ALL_KINDS = SearchSpace(
    "made",
    {
        "log": Float(1e-4, 1e-1, default=1e-3, log=True),
        "even": Float(-1.0, 1.0, default=0.0),
        "whole": Int(1, 3, default=2),
        "wide": Int(1, 1024, default=32, log=True),
        "word": Categorical(("a", "b", 3), default="b"),
    },
    fixed={"stays": 25.0},
)

# What is written first is drawn after what it depends on; each way round of a constraint.
TANGLED = SearchSpace(
    "tangled",
    {
        "inner": Float(0.1, 1.0, default=0.2, when=When("depth", (2, 3))),
        "depth": Int(1, 3, default=2, when=When("switch", ("on",))),
        "switch": Categorical(("on", "off"), default="on"),
        "small": Float(0.01, 0.5, default=0.05, log=True),
        "large": Float(0.02, 1.0, default=0.4, log=True),
        "many": Int(2, 40, default=20),
        "few": Int(1, 20, default=4),
        "kept": Int(1, 9, default=3, held="it costs time"),
    },
    constraints=(Below("small", "large"), AtLeast("many", 2, "few")),
)
SPACES = [ALL_KINDS, TANGLED, *(get(method) for method in method_names())]
SIMPLE = [s for s in SPACES if s.method not in ("tangled", "dino", "mmcr")]
