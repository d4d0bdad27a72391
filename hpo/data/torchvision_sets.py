"""The data sets that torchvision knows by name, read from files that are there: no downloads."""

import warnings
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from hpo.data.arrays import ArrayImages, number_labels
from hpo.data.idx import read_idx
from hpo.errors import DataError

PREFIX = "torchvision:"
DEFAULT_DATA_ROOT = Path("data")
_DIGITS = tuple("0123456789")
_IDX_CLASSES = {
    "MNIST": _DIGITS,
    "KMNIST": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    "FashionMNIST": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
}  # fmt: skip
NAMES = (*_IDX_CLASSES, "CIFAR10", "CIFAR100", "STL10")
_IDX_IMAGES = ("train-images-idx3-ubyte", "train-images.idx3-ubyte")
_IDX_LABELS = ("train-labels-idx1-ubyte", "train-labels.idx1-ubyte")


def read_torchvision(name: str, *, data_root: Path | None, with_labels: bool) -> ArrayImages:
    """Read the training images of a known data set.

    Args:
        name: one of `NAMES`.
        data_root: where its files are; None looks in `./data`.
        with_labels: whether to read the labels.

    Returns:
        All training images; for STL10 the labelled ones, then the unlabelled ones (label -1).

    Raises:
        DataError: the name is not known, or files are missing or damaged.
    """
    _check_name(name)
    root = (data_root or DEFAULT_DATA_ROOT).expanduser()
    if name in _IDX_CLASSES:
        return _read_idx_set(name, root, with_labels=with_labels)
    return _read_with_torchvision(name, root, with_labels=with_labels)


def files_of(name: str, *, data_root: Path | None, with_labels: bool) -> tuple[Path, ...]:
    """Find the files that `read_torchvision` reads, without reading them.

    Args:
        name: one of `NAMES`.
        data_root: where its files are; None looks in `./data`.
        with_labels: whether labels are wanted.

    Raises:
        DataError: the name is not known, or files are missing.
    """
    _check_name(name)
    root = (data_root or DEFAULT_DATA_ROOT).expanduser()
    if name in _IDX_CLASSES:
        images, labels = _find_idx_files(name, root, with_labels=with_labels)
        return (images,) if labels is None else (images, labels)
    kind = _kind(name)
    found = _root_of(kind, name, root)
    return tuple(found / kind.base_folder / file for file in _wanted_files(kind))


def _check_name(name: str) -> None:
    if name not in NAMES:
        by_lower = {known.lower(): known for known in NAMES}
        near = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
        hint = f"Did you mean {PREFIX}{by_lower[near[0]]}? " if near else ""
        raise DataError(f"Unknown data set {PREFIX}{name}. {hint}Known names: {', '.join(NAMES)}.")


def _find_idx_files(name: str, root: Path, *, with_labels: bool) -> tuple[Path, Path | None]:
    # A set's own folder first: the files of MNIST, FashionMNIST and KMNIST bear the same names.
    folders = (root / name / "raw", root / name, root / "raw", root)
    image_file = next((found for folder in folders if (found := _find(folder, _IDX_IMAGES))), None)
    if image_file is None:
        raise _missing(name, (f"{_IDX_IMAGES[0]}[.gz]", f"{_IDX_LABELS[0]}[.gz]"), folders)
    if not with_labels:
        return image_file, None
    label_file = _find(image_file.parent, _IDX_LABELS)
    if label_file is None:
        raise _missing(name, (f"{_IDX_LABELS[0]}[.gz]",), (image_file.parent,))
    return image_file, label_file


def _read_idx_set(name: str, root: Path, *, with_labels: bool) -> ArrayImages:
    image_file, label_file = _find_idx_files(name, root, with_labels=with_labels)
    images = read_idx(image_file, 3)[..., np.newaxis]
    if label_file is None:
        return ArrayImages(images, None, ())
    labels = read_idx(label_file, 1)
    class_names = _IDX_CLASSES[name]
    if len(labels) != len(images) or labels.max(initial=0) >= len(class_names):
        raise DataError(
            f"{label_file}: got {len(labels)} labels up to {labels.max(initial=0)}, "
            f"wanted {len(images)} labels below {len(class_names)}."
        )
    return ArrayImages(images, labels.astype(np.int64), class_names)


def _find(folder: Path, stems: tuple[str, ...]) -> Path | None:
    candidates = (folder / f"{stem}{ending}" for stem in stems for ending in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _missing(name: str, files: tuple[str, ...], looked_in: tuple[Path, ...]) -> DataError:
    return DataError(
        f"{PREFIX}{name}: found no {', '.join(files)} in {', '.join(map(str, looked_in))}. "
        "Nothing is downloaded: put the files there, or name their folder with --data-root."
    )


def _read_with_torchvision(name: str, root: Path, *, with_labels: bool) -> ArrayImages:
    kind = _kind(name)
    found = _root_of(kind, name, root)
    options = {"split": "train+unlabeled"} if name == "STL10" else {"train": True}
    try:
        with warnings.catch_warnings():
            # numpy 2.4.0 to 2.4.4 remark on pickles of numpy 1, which the CIFAR files are.
            warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
            dataset = kind(root=found, download=False, **options)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{PREFIX}{name}: a file in {found / kind.base_folder} is damaged or is not the "
            f"original ({error}). Unpack {kind.filename} again; nothing is downloaded."
        ) from error
    images = dataset.data.transpose(0, 2, 3, 1) if name == "STL10" else dataset.data
    if not with_labels:
        return ArrayImages(images, None, ())
    labels = np.asarray(dataset.labels if name == "STL10" else dataset.targets, dtype=np.int64)
    classes = getattr(dataset, "classes", None)  # STL10 has none without its class_names.txt
    if classes is None:
        return ArrayImages(images, *number_labels(labels))
    return ArrayImages(images, labels, tuple(classes))


def _kind(name: str) -> Any:
    import torchvision.datasets

    return getattr(torchvision.datasets, name)


def _wanted_files(kind: Any) -> list[str]:
    wanted = [file for file, _ in (*kind.train_list, *kind.test_list)]
    return wanted + ([kind.meta["filename"]] if hasattr(kind, "meta") else [])


def _root_of(kind: Any, name: str, root: Path) -> Path:
    """Where torchvision is to look, once every file it wants is known to be there."""
    wanted = _wanted_files(kind)
    roots = [root, root / name, *([root.parent] if root.name == kind.base_folder else [])]
    for candidate in roots:
        if all((candidate / kind.base_folder / file).is_file() for file in wanted):
            return candidate
    raise _missing(name, tuple(wanted), tuple(path / kind.base_folder for path in roots))
