"""The trust section, and the sentence in the head that sends readers there."""

from __future__ import annotations

from hpo.report.webpage.material import Material
from hpo.trust import Trust


def trust_of(material: Material) -> tuple[str, str]:
    """Return the section, as HTML that escapes what it shows itself, and the sentence.

    The sentence is empty where nothing was chosen, or no trial came to an end alive.
    """
    from hpo.report.webpage.trust_section import section_of
    from hpo.trust import headline, read_evidence, trust

    evidence = read_evidence(material.study)
    found = trust(evidence)
    said = ""
    if found.epoch and material.chosen is not None:
        said = " ".join(filter(None, (choice_sentence(found), headline(found))))
    return section_of(evidence, found), said


def choice_sentence(found: Trust) -> str:
    """Say what the probe makes of the chosen trial, which need not be the measure's own favourite.

    Args:
        found: the figures; without a probe of the chosen trial there is nothing to say.
    """
    choice, chosen = found.choice, found.chosen
    if choice is None:
        return ""
    n = found.population.probed
    among = f"of the {n} probed that may be chosen" if n > 1 else "probed"
    if choice.regret_points == 0:
        return f"Trial {chosen} has the best linear probe {among}."
    far = f"Trial {chosen} probed {choice.regret_points:.1f} points of accuracy below the best"
    return f"{far}, which its noise may explain." if choice.tied else f"{far} {among}."
