"""Embeddings out of a file, with their rows grouped by image where the file says how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from torch import Tensor

from hpo.errors import ConfigError, DataError
from hpo.score.arrays import ArrayFile
from hpo.score.checks import check_ids, check_values
from hpo.score.grouping import group_views
from hpo.score.naming import ArrayNames, choose_arrays
from hpo.score.numpy_files import open_npy, open_npz
from hpo.score.tensor_files import open_pt, open_safetensors

_OPENERS: MappingProxyType[str, Callable[[Path], ArrayFile]] = MappingProxyType(
    {".npy": open_npy, ".npz": open_npz, ".safetensors": open_safetensors, ".pt": open_pt}
)


@dataclass(frozen=True)
class EmbeddingsFile:
    """What a file holds to be measured.

    Args:
        path: the file.
        source: which of its arrays were taken, for people.
        embeddings: `(n_samples, dim)` in the file's dtype; the first view of each image when the
            file holds nothing but views. They may be not finite: that is a verdict, no error.
        views: `(n_images, n_views, dim)` in the file's dtype, or None.
        first_views: whether `embeddings` are those first views.
    """

    path: Path
    source: str
    embeddings: Tensor
    views: Tensor | None = None
    first_views: bool = False


def read_embeddings(
    path: Path, *, key: str | None = None, views_key: str | None = None, ids_key: str | None = None
) -> EmbeddingsFile:
    """Read embeddings, and views where there are any, from a file.

    Without `key` and `views_key`, an only array is taken whatever its name, else the first of
    "embeddings", "features", "z" and "h", and "views" beside it; with one of them, only what is
    named. Three dimensions are views. Two are grouped into views by image ids (`ids_key`, else
    "image_ids") when the images have several rows each.

    Args:
        path: an `.npy`, `.npz`, `.safetensors` or `.pt` file. Nothing in it is run.
        key: name of the embeddings, `(n_samples, dim)`, or of views.
        views_key: name of the views, `(n_images, n_views, dim)`, or flat with image ids.
        ids_key: name of the image ids, one integer a row.

    Raises:
        DataError: the file is missing, damaged, or holds no array that will do.
        ConfigError: a name that the file does not have, or that contradicts another.
    """
    file = _open(path)
    names = choose_arrays(file, key=key, views_key=views_key, ids_key=ids_key)
    check_values(file, names.main)
    main = file.read(names.main)
    views = main if main.ndim == 3 else _grouped(file, names, main)
    source = file.place(names.main)
    if main.ndim == 3 and ids_key is not None:
        raise ConfigError(
            f"--ids-key: got {ids_key!r}, but {source} is {file.headers[names.main]} and so "
            "grouped by image already; leave out --ids-key."
        )
    if views is None:
        if names.views:
            check_values(file, names.main, ranks=(3,))
        return EmbeddingsFile(path, source, main)
    if main.ndim == 2:
        source += f", grouped by {names.ids!r}"
    if names.embeddings is None:
        return EmbeddingsFile(path, source, views[:, 0], views, first_views=True)
    source = f"{file.place(names.embeddings)}, views from {names.main!r}"
    return EmbeddingsFile(path, source, _beside(file, names.embeddings, views), views)


def _grouped(file: ArrayFile, names: ArrayNames, rows: Tensor) -> Tensor | None:
    if names.ids is None:
        return None
    check_ids(file, names.ids)
    try:
        return group_views(rows, file.read(names.ids))
    except DataError as error:
        raise DataError(f"{file.place(names.ids)}: {error}") from error


def _beside(file: ArrayFile, name: str, views: Tensor) -> Tensor:
    """Read embeddings that lie beside views, which have to be of the same layer."""
    check_values(file, name, ranks=(2,))
    embeddings = file.read(name)
    if embeddings.shape[1] != views.shape[2]:
        raise DataError(
            f"{file.place(name)}: got {file.headers[name]} beside views of {views.shape[2]} "
            "dimensions, wanted the same layer for both; name one of the two with --key or "
            "--views-key."
        )
    return embeddings


def _open(path: Path) -> ArrayFile:
    kinds = ", ".join(_OPENERS)
    if path.is_dir():
        raise DataError(f"{path}: got a directory, wanted one {kinds} file; give a file inside it.")
    if not path.exists():
        raise DataError(f"{path}: there is no such file; wanted an {kinds} file of embeddings.")
    opener = _OPENERS.get(path.suffix.lower())
    if opener is None:
        raise DataError(
            f"{path}: got a file named {path.suffix or 'without a suffix'}, wanted one of {kinds}; "
            "save the embeddings with numpy.save('embeddings.npy', embeddings), or rename the file "
            "if it is one of these."
        )
    return opener(path)
