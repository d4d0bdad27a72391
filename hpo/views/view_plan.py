"""All the views of an image: one recipe for each, changed by the options of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hpo.errors import ConfigError
from hpo.suggestion import suggestion
from hpo.views.recipe import ViewRecipe

_GLOBAL_ONLY = {"min_scale", "max_scale", "size"}


@dataclass(frozen=True)
class ViewPlan:
    """What the views of an image are made with; how many of each is the method's business.

    Args:
        global_view: recipe of the views that show most of an image.
        local_view: recipe of the small crops of methods with multi-crop.
        second_view: recipe of every other global view, from the second on; None for the first's.
            BYOL, Barlow Twins, VICReg and DINO were published with two that differ: the first is
            always blurred and never solarised, the second rarely blurred and sometimes solarised
            (Grill et al. 2020, arXiv 2006.07733, appendix B).
    """

    global_view: ViewRecipe
    local_view: ViewRecipe
    second_view: ViewRecipe | None = None

    def recipes(self, *, n_global: int, n_local: int) -> list[ViewRecipe]:
        """Return one recipe per view, the global ones first.

        >>> plan = ViewPlan(ViewRecipe(), ViewRecipe(max_scale=0.4, min_scale=0.1))
        >>> [recipe.max_scale for recipe in plan.recipes(n_global=2, n_local=1)]
        [1.0, 1.0, 0.4]
        """
        pair = (self.global_view, self.second_view or self.global_view)
        return [pair[i % 2] for i in range(n_global)] + [self.local_view] * n_local

    @classmethod
    def for_size(cls, image_size: int) -> ViewPlan:
        """Return the plan for images of a size: local crops are half as large.

        Args:
            image_size: side in pixels.

        >>> ViewPlan.for_size(32).local_view.size
        16
        """
        # Shares of the area as in SwAV's and DINO's multi-crop, shifted for small images.
        local = ViewRecipe(min_scale=0.1, max_scale=0.4, size=max(8, image_size // 2))
        return cls(ViewRecipe(), local)

    def changed(self, options: Mapping[str, Any]) -> ViewPlan:
        """Return the plan with some options set.

        Args:
            options: by the names of `ViewRecipe`, for every kind of view; but `min_scale`,
                `max_scale` and `size` are the global views' alone. What begins with `local_` or
                `second_` is that view's own, and goes before the option without it.

        Raises:
            ConfigError: for a name that is no option, or a value outside its range; the message
                begins with the option's name.

        >>> plan = ViewPlan.for_size(32).changed({"hf_prob": 0.0, "second_gaussian_blur": 0.1})
        >>> plan.local_view.hf_prob, plan.global_view.gaussian_blur, plan.second_view.gaussian_blur
        (0.0, 0.0, 0.1)
        """
        kinds: dict[str, dict[str, Any]] = {"": {}, "local_": {}, "second_": {}}
        for name, value in options.items():
            prefix = next((p for p in ("local_", "second_") if name.startswith(p)), "")
            kinds[prefix][name.removeprefix(prefix)] = value
        shared = kinds[""]
        both = {name: value for name, value in shared.items() if name not in _GLOBAL_ONLY}
        # The first: a shared value that is wrong is blamed under its own name.
        changed = _changed(self.global_view, shared, "")
        second = self.second_view
        if second is not None or kinds["second_"]:
            second = second or self.global_view
            second = _changed(second, {**shared, **kinds["second_"]}, "second_")
        local = _changed(self.local_view, {**both, **kinds["local_"]}, "local_")
        return ViewPlan(changed, local, second)


def _changed(recipe: ViewRecipe, values: Mapping[str, Any], prefix: str) -> ViewRecipe:
    known = ViewRecipe.__dataclass_fields__
    for name in values:
        if name not in known:
            raise ConfigError(
                f"{prefix}{name}: no option of the views. {suggestion(name, list(known))}"
            )
    try:
        return replace(recipe, **values)
    except ConfigError as error:
        # The message begins with the recipe's name for the option.
        raise ConfigError(f"{prefix}{error}") from None
