"""Rows in any order, with the image that each belongs to, gathered into views image by image."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hpo.errors import DataError


def group_views(rows: Tensor, image_ids: Tensor) -> Tensor | None:
    """Gather the rows of each image.

    Args:
        rows: Shape (n_rows, dim), any dtype.
        image_ids: Shape (n_rows,), integers: equal for the views of one image.

    Returns:
        Shape (n_images, n_views, dim), images by ascending id and the views of each in the order of
        the rows; None when no two rows are of the same image, so that there is nothing to group.

    Raises:
        DataError: Not one id a row, or images with different numbers of rows.

    Examples:
        >>> rows = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
        >>> group_views(rows, torch.tensor([7, 5, 7, 5])).squeeze(-1).tolist()
        [[2.0, 4.0], [1.0, 3.0]]
    """
    if len(image_ids) != len(rows):
        raise DataError(
            f"got {len(image_ids)} image ids for {len(rows)} rows, wanted one a row; name other "
            "ids with --ids-key, or save the ids in the order of the rows."
        )
    ids = image_ids.numpy()
    numbers, counts = np.unique(ids, return_counts=True)
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] != counts[least]:
        raise DataError(
            f"got {counts[most]} rows of image {numbers[most]} but {counts[least]} of image "
            f"{numbers[least]}, wanted equally many of each; embed the same number of views of "
            "every image, since values depend on it."
        )
    if counts[most] == 1:
        return None
    order = torch.from_numpy(np.argsort(ids, kind="stable"))
    return rows[order].reshape(len(numbers), -1, rows.shape[1])
