"""What reading a folder gives, whichever way its images are kept."""

from dataclasses import dataclass

from hpo.data.store import ImageStore


@dataclass(frozen=True)
class LoadedFolder:
    """The images of a folder.

    Args:
        images: those that could be read, in the order of their files.
        pixel_digest: 64 hex digits that change with the images.
        native_size: median shorter side before resizing, in pixels.
        unreadable: position among the files and reason, for each that was left out.
    """

    images: ImageStore
    pixel_digest: str
    native_size: int
    unreadable: tuple[tuple[int, str], ...]
