"""What lies in a folder: its images, their classes, and what to say when there are none."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hpo.errors import DataError

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# Pictures too, but not read here: they are reported, or a folder of photographs from a telephone
# would be used without most of its photographs.
OTHER_FORMATS = frozenset(
    (".avif", ".cr2", ".dcm", ".dng", ".gif", ".heic", ".heif", ".jp2", ".jxl", ".nef", ".svg")
)
_WANTED = f"images are files ending in {', '.join(SUFFIXES)}"


@dataclass(frozen=True)
class FolderListing:
    """The visible files of a folder that hold images.

    Args:
        images: paths relative to the folder, sorted.
        class_names: names of the first-level sub-folders that hold images, sorted; empty when
            labels were not asked for.
        other_formats: one `"relative/path: reason"` for each picture in a format not read here.
    """

    images: tuple[Path, ...]
    class_names: tuple[str, ...]
    other_formats: tuple[str, ...]


def list_folder(folder: Path, *, with_labels: bool) -> FolderListing:
    """Find the images in a folder and its sub-folders; links are followed, hidden names are not.

    Args:
        folder: an existing folder.
        with_labels: whether class folders are wanted.

    Returns:
        The listing, with at least one image.

    Raises:
        DataError: there is no image, a sub-folder cannot be read, or there are no class folders
            although labels were asked for.
    """
    files = sorted(_visible_files(folder), key=lambda path: path.as_posix())
    images = tuple(path for path in files if path.suffix.lower() in SUFFIXES)
    if not images:
        raise DataError(_explain_no_images(folder, files))
    names: tuple[str, ...] = ()
    if with_labels:
        names = tuple(sorted({path.parts[0] for path in images if len(path.parts) > 1}))
        _check_class_folders(folder, names)
    others = tuple(
        f"{path.as_posix()}: {path.suffix.lower()} pictures are not read"
        for path in files
        if path.suffix.lower() in OTHER_FORMATS
    )
    return FolderListing(images, names, others)


def _visible_files(folder: Path) -> list[Path]:
    files: list[Path] = []

    def refuse(error: OSError) -> None:
        raise DataError(f"Cannot read the folder {error.filename}: {error.strerror}.") from error

    for parent, folders, names in os.walk(folder, followlinks=True, onerror=refuse):
        here = Path(parent)
        folders[:] = [name for name in folders if name[0] != "." and not _leads_up(here, name)]
        relative = here.relative_to(folder)
        files += [relative / name for name in names if name[0] != "."]
    return files


def _leads_up(parent: Path, name: str) -> bool:
    """Whether a sub-folder is a link to a folder above it, which would be walked for ever."""
    child = parent / name
    return child.is_symlink() and parent.resolve().is_relative_to(child.resolve())


def _check_class_folders(folder: Path, class_names: tuple[str, ...]) -> None:
    if len(class_names) >= 2:
        return
    found = f"only one, {class_names[0]}/" if class_names else "none"
    raise DataError(
        f"Labels were asked for, but {folder} has no class folders: a labelled folder has one "
        f"sub-folder for each of two or more classes, as in {folder}/cat/1.jpg and "
        f"{folder}/dog/2.jpg; found {found}. Sort the images so, or leave the labels out."
    )


def _explain_no_images(folder: Path, files: list[Path]) -> str:
    if not files:
        return f"The folder {folder} is empty: {_WANTED}. Hidden files do not count."
    for path in files:
        remedy = _remedy(folder, path)
        if remedy is not None:
            return f"There are no images in {folder}, but there is {path}: {remedy}"
    counts = Counter(path.suffix.lower() or "no suffix" for path in files)
    found = ", ".join(f"{count} x {suffix}" for suffix, count in counts.most_common(5))
    return (
        f"There are no images in {folder}: found {found}; {_WANTED}. "
        "Convert them, or name another folder with --data."
    )


def _remedy(folder: Path, path: Path) -> str | None:
    """How to read a file that is no image but holds images, or None if it is not known to."""
    full = folder / path
    name = path.name.lower()
    if name.endswith(".npz"):
        return f"read it with --data {full}"
    if name.endswith(".npy"):
        return "save it as images in an .npz file, numpy.savez('images.npz', images=array)"
    if name.removesuffix(".gz").endswith(("idx3-ubyte", "idx1-ubyte")):
        return (
            f"read it with --data torchvision:{_idx_name(full)} --data-root {full.parent} "
            "(MNIST, FashionMNIST and KMNIST files bear the same names: say which it is)"
        )
    root = full.parent.parent
    if full.parent.name == "cifar-10-batches-py" or name == "data_batch_1":
        return f"read it with --data torchvision:CIFAR10 --data-root {root}"
    if full.parent.name == "cifar-100-python":
        return f"read it with --data torchvision:CIFAR100 --data-root {root}"
    if full.parent.name == "stl10_binary":
        return f"read it with --data torchvision:STL10 --data-root {root}"
    return None


def _idx_name(path: Path) -> str:
    text = path.as_posix().lower()
    if "fashion" in text:
        return "FashionMNIST"
    return "KMNIST" if "kmnist" in text else "MNIST"
