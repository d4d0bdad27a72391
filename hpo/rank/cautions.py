"""What the papers warn of, said where it applies to this very list. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hpo.rank.conditions import Measured
from hpo.rank.ranking import value_of
from objectives import get_measure


def cautions(
    rows: Sequence[Measured],
    measure: str,
    *,
    n_images: int,
    image_size: int,
    across_widths: bool = False,
) -> tuple[str, ...]:
    """Return what to keep in mind when reading a ranking, one sentence or two each.

    Args:
        rows: all that was measured, fresh networks too.
        measure: that ranks.
        n_images: measured on.
        image_size: side of them, pixels.
        across_widths: whether different widths were ranked together.

    Source:
        One method only, and the layer: Garrido et al., ICML 2023 (RankMe), section 3. α near 1
        as a necessary condition: Agrawal et al., NeurIPS 2022. Views and sizes: Thilak et al.,
        ICLR 2024 (LiDAR).
    """
    trained = [row for row in rows if not row.is_untrained]
    if not trained:
        return ()
    return (
        *_methods(trained),
        *_architectures(trained),
        *_widths(trained, across_widths),
        *_too_few(trained, measure, n_images),
        *_sizes(trained, image_size),
        *_layer(measure),
        *_fresh_networks(rows, measure),
    )


def _methods(rows: Sequence[Measured]) -> Iterator[str]:
    if len(rows) < 2:
        return
    known = sorted({row.method for row in rows if row.method is not None})
    unknown = sum(row.method is None for row in rows)
    rule = (
        "RankMe, α-ReQ and LiDAR were shown to compare runs of one method on one data set, not "
        "methods with each other"
    )
    if len(known) > 1:
        yield f"The methods differ ({', '.join(known)}): {rule}."
    elif unknown:
        yield f"How {unknown} of {len(rows)} were trained is not known here: {rule}."


def _architectures(rows: Sequence[Measured]) -> Iterator[str]:
    names = sorted({row.architecture for row in rows})
    if len(names) > 1:
        yield (
            f"The architectures differ ({', '.join(names)}): spectra of different networks differ "
            "for other reasons than what they learned."
        )


def _widths(rows: Sequence[Measured], across_widths: bool) -> Iterator[str]:
    dims = sorted({row.dim for row in rows})
    if len(dims) < 2:
        return
    how = "are ranked together as asked" if across_widths else "are ranked apart"
    yield (
        f"The features are {', '.join(map(str, dims))} wide and {how}: a rank is at most "
        "min(images, width), so the wider network has more room. The column rankme/most is "
        "RankMe as a share of that" + ("." if across_widths else "; --across-widths ranks all.")
    )


def _too_few(rows: Sequence[Measured], measure: str, n_images: int) -> Iterator[str]:
    dim = max(row.dim for row in rows)
    fewest = max(get_measure(name).minimum_samples(dim) for name in {measure, "rankme"})
    if n_images < fewest:
        yield (
            f"{n_images} images for features {dim} wide: the spectrum is cut short, and RankMe, "
            f"α and LiDAR with it. Give --measure-images {fewest} or more, ten times the width "
            "for values that settle."
        )


def _sizes(rows: Sequence[Measured], image_size: int) -> Iterator[str]:
    others = sorted({row.made_for for row in rows} - {None, image_size}, key=str)
    if others:
        yield (
            f"Measured at {image_size} pixels, while the studies trained on "
            f"{', '.join(map(str, others))}."
        )


def _layer(measure: str) -> Iterator[str]:
    if get_measure(measure).layer == "projector":
        yield (
            f"{measure} is published for the projector's output; a backbone's file has none, so it "
            "is measured on the features."
        )
    if measure == "view_retrieval" or measure.startswith("guarded"):
        yield (
            "Views are drawn as in a study of ours: a network trained with the same augmentations "
            "finds its image more easily. --view sets others."
        )


def _fresh_networks(rows: Sequence[Measured], measure: str) -> Iterator[str]:
    facts = get_measure(measure)
    sign = 1.0 if facts.optimiser_direction == "maximize" else -1.0
    for fresh in (row for row in rows if row.is_untrained):
        start = sign * facts.objective(value_of(fresh, measure))
        below = [
            row.name
            for row in rows
            if row.architecture == fresh.architecture
            and not row.is_untrained
            and sign * facts.objective(value_of(row, measure)) <= start
        ]
        if below:
            yield (
                f"An untrained {fresh.architecture} scores no worse by {measure} than "
                f"{', '.join(below)}: either these learned little, or the measure rewards what "
                "was never trained."
            )
