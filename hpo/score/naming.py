"""Which array of a file plays which part: embeddings, views, image ids."""

from __future__ import annotations

from dataclasses import dataclass

from hpo.errors import ConfigError, DataError
from hpo.score.arrays import UNNAMED, ArrayFile
from hpo.suggestion import suggestion

EMBEDDING_NAMES = ("embeddings", "features", "z", "h")
VIEWS_NAME, IDS_NAME = "views", "image_ids"


@dataclass(frozen=True)
class ArrayNames:
    """The names of the arrays to read.

    Args:
        main: the views where there are any, else the array to look at: two dimensions are
            embeddings, three are views.
        views: whether `main` was named as views, so that two dimensions need image ids.
        embeddings: embeddings beside the views, or None.
        ids: one integer a row of `main`, or None.
    """

    main: str
    views: bool
    embeddings: str | None
    ids: str | None


def choose_arrays(
    file: ArrayFile, *, key: str | None, views_key: str | None, ids_key: str | None
) -> ArrayNames:
    """Choose the arrays by the names that were given, else by the usual ones.

    Args:
        file: to choose from.
        key: name of the embeddings.
        views_key: name of the views. With this or `key`, only what is named is taken: arrays of
            another layer may lie beside it.
        ids_key: name of the image ids.

    Raises:
        ConfigError: a name that the file does not have, or one for two parts.
        DataError: several arrays, none of a usual name.
    """
    _check_given(file, {"--key": key, "--views-key": views_key, "--ids-key": ids_key})
    ids = ids_key if ids_key is not None else (IDS_NAME if IDS_NAME in file.headers else None)
    embeddings, views = key, views_key
    if embeddings is None and views is None:
        candidates = [name for name in file.headers if name != ids]
        embeddings = next((name for name in EMBEDDING_NAMES if name in candidates), None)
        views = VIEWS_NAME if VIEWS_NAME in candidates else None
        if len(candidates) == 1:
            embeddings, views = candidates[0], None
    if views is not None:
        return ArrayNames(views, True, embeddings, ids)
    if embeddings is not None:
        return ArrayNames(embeddings, False, None, ids)
    raise DataError(_ambiguous(file))


def _check_given(file: ArrayFile, given: dict[str, str | None]) -> None:
    names = {option: name for option, name in given.items() if name is not None}
    for option, name in names.items():
        if UNNAMED in file.headers:
            raise ConfigError(
                f"{option}: got {name!r}, but {file.path} holds one array without a name; leave "
                f"out {option}."
            )
        if name not in file.headers:
            raise ConfigError(
                f"{option}: got {name!r}, wanted the name of an array in {file.path}, which holds "
                f"{file.listing()}. {suggestion(name, file.headers)}"
            )
    if len(set(names.values())) < len(names):
        raise ConfigError(
            f"{', '.join(names)}: got {', '.join(map(repr, names.values()))}, wanted a different "
            "array for each; views of three dimensions need no other option than --key."
        )


def _ambiguous(file: ArrayFile) -> str:
    weights = any(name.endswith(("weight", "bias")) for name in file.headers)
    hint = (
        "They look like the weights of a model: run the model over the images and save what it "
        "returns."
        if weights
        else "Pass --key with the name of the embeddings, or --views-key with that of the views."
    )
    return (
        f"{file.path}: got {file.listing()}; wanted one array, or one named "
        f"{', '.join(EMBEDDING_NAMES)} or {VIEWS_NAME}. {hint}"
    )
