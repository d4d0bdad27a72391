"""Notes as optuna-dashboard stores them: markdown in attributes of the study.

The dashboard's own `save_note` does the same, but a study often runs where it is not installed, and
its notes are to be there when somebody installs it later. Its keys have not changed since 0.9; a
test reads what is written here with its `get_note`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Literal

import optuna

Saved = Literal["written", "same", "theirs"]

_PIECE = 2045  # characters of a note that the dashboard keeps in one attribute
_MARK = "[//]: # (goldilocks {digest})"  # markdown's form of a comment
_MARKED = re.compile(r"\n\n\[//\]: # \(goldilocks ([0-9a-f]{12})\)\s*\Z")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def save_note(
    study: optuna.Study,
    trial_id: int | None,
    text: str,
    *,
    known: Mapping[str, Any] | None = None,
) -> Saved:
    """Save a note, unless a person wrote one there or changed ours.

    Args:
        study: that it is about, or whose trial.
        trial_id: the storage's id of the trial; None for the study's own note.
        text: markdown.
        known: system attributes of the study, where they have just been read.

    Returns:
        Whether it was written, said the same before, or is a person's and stays as it is.
    """
    storage, study_id = study._storage, study._study_id
    attrs = storage.get_study_system_attrs(study_id) if known is None else known
    before, after = read_note(attrs, trial_id), marked(text)
    if before == after:
        return "same"
    if before and not is_ours(before):
        return "theirs"
    start = _key(trial_id)
    pieces = [after[at : at + _PIECE] for at in range(0, len(after), _PIECE)]
    n_before = sum(key.startswith(f"{start}note_str:") for key in attrs)
    pieces += [""] * (n_before - len(pieces))
    for place, piece in enumerate(pieces):
        storage.set_study_system_attr(study_id, f"{start}note_str:{place}", piece)
    version = int(attrs.get(f"{start}note_ver", 0)) + 1
    storage.set_study_system_attr(study_id, f"{start}note_ver", version)
    return "written"


def read_note(system_attrs: Mapping[str, Any], trial_id: int | None) -> str:
    """Return a note's text with our mark, if it has it; empty where there is none.

    Args:
        system_attrs: of the study.
        trial_id: as in `save_note`.
    """
    start = f"{_key(trial_id)}note_str:"
    places = sorted(int(k.removeprefix(start)) for k in system_attrs if k.startswith(start))
    return "".join(system_attrs[f"{start}{place}"] for place in places)


def marked(text: str) -> str:
    """Return a note with the mark by which `is_ours` knows that nobody changed it."""
    text = text.strip()
    return f"{text}\n\n{_MARK.format(digest=_digest(text))}"


def is_ours(note: str) -> bool:
    """Say whether a note is as we wrote it.

    >>> is_ours(marked("**finished**")), is_ours(marked("**finished**").replace("fin", "van"))
    (True, False)
    """
    found = _MARKED.search(note)
    return found is not None and _digest(note[: found.start()]) == found[1]


def plain(text: str) -> str:
    r"""Return text as markdown that shows it as it is, in one line.

    >>> print(plain("a*b | c\n<d>"))
    a\*b \| c \<d\>
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a markdown table of cells that are markdown themselves.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [header, ["---"] * len(header), *rows]
    shown = [" | ".join(line) for line in lines]
    shown[1] = "|".join(lines[1])
    return "\n".join(f"|{text}|" if at == 1 else f"| {text} |" for at, text in enumerate(shown))


def _key(trial_id: int | None) -> str:
    return "dashboard:" if trial_id is None else f"dashboard:{trial_id}:"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
