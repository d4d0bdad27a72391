"""Trust as lines of text, for the end of a run and for `goldilocks status`."""

from __future__ import annotations

from hpo.trust.assessing import Trust
from hpo.trust.headline import headline
from hpo.trust.sentences import sentences

_SHORT = ("selected",)
_WITHOUT_PROBES = ("agreement", "epochs", "seeds", "elsewhere")


def trust_lines(trust: Trust, *, everything: bool = False) -> list[tuple[str, str]]:
    """Say how far a study's measure can be trusted.

    Args:
        trust: the figures.
        everything: whether all sentences follow the headline; else only who was left out, and,
            where nothing was probed, what can be known all the same.

    Returns:
        Titles and texts, as the lines of `hpo.report`; none where nothing was compared.
    """
    if trust.population.started == 0 or trust.epoch == 0:
        return []
    wanted = _WITHOUT_PROBES if trust.population.probed == 0 else _SHORT
    said = [line for line in sentences(trust) if everything or line[0] in wanted]
    if not everything:
        # One line below the headline: a report has many others.
        text = " ".join(text for _, text in said)
        return [("trust", f"{headline(trust)} {text}".strip())]
    return [("trust", headline(trust)), *said]
