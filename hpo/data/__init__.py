"""Images in: a folder, an array file or a known data set to square uint8 pixels and their split.

Importing this package loads torch and numpy only; Pillow, scikit-learn and torchvision are imported
by the first call that needs them.
"""

from hpo.data.image_set import ImageSet as ImageSet
from hpo.data.loading import load_images as load_images
from hpo.data.split import Split as Split
from hpo.data.split import planned_sizes as planned_sizes
from hpo.data.split import split_images as split_images

__all__ = ["ImageSet", "Split", "load_images", "planned_sizes", "split_images"]
