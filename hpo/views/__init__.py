"""Images in, views out: the random transformations that a method learns to see through."""

from hpo.views.batched import random_views as random_views
from hpo.views.recipe import ViewRecipe as ViewRecipe
from hpo.views.view_plan import ViewPlan as ViewPlan

__all__ = ["ViewPlan", "ViewRecipe", "random_views"]
