"""The section of the report that says how far the measures of this study can be trusted."""

from __future__ import annotations

from html import escape
from typing import Protocol

import optuna

from hpo.trust.assessing import Trust, trust
from hpo.trust.evidence import StudyEvidence
from hpo.trust.headline import headline
from hpo.trust.html_tables import agreement_table, measures_table, probes_table, rungs_table
from hpo.trust.reading import read_evidence
from hpo.trust.scatter import dots_of, scatter
from hpo.trust.sentences import sentences

_STYLE = """
.trust-headline { font-size: 1.15rem; }
.trust-scatter { width: 100%; max-width: 46rem; height: auto; display: block; color: inherit; }
.trust-table { width: 100%; font-variant-numeric: tabular-nums; }
.trust-said { margin: 1.25rem 0 0.5rem; font-size: 0.9rem; }
.trust-table th, .trust-table td { padding: 0.3rem 0.75rem; text-align: right; font-weight: 400;
  white-space: nowrap; border-bottom: 1px solid var(--line); }
.trust-table thead > tr > * { position: sticky; top: 0; background: var(--raised); }
.trust-table thead th { font-weight: 600; white-space: normal; vertical-align: bottom; }
.trust-table th:first-child { text-align: left; }
.trust-table th.turned > span { writing-mode: vertical-rl; transform: rotate(180deg); }
.trust-shade { display: block; padding: 0.1rem 0.3rem; border-radius: 0.2rem; }
.trust-facts { margin: 1rem 0; }
.trust-facts > div { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: 0.2rem 1rem;
  padding: 0.3rem 0; }
.trust-facts dd { max-width: 46rem; }
@media (max-width: 40rem) { .trust-facts > div { grid-template-columns: 1fr; } }
"""


class _WithStudy(Protocol):
    @property
    def study(self) -> optuna.Study: ...


def trust_section(material: _WithStudy) -> str:
    """Lay out the section for a study.

    Args:
        material: whatever has the study, as `hpo.report.webpage.material.Material`.

    Returns:
        HTML. All text is escaped; it needs no script and takes the page's colours.

    Raises:
        StorageError: for a study of several objectives.
    """
    evidence = read_evidence(material.study)
    return section_of(evidence, trust(evidence))


def section_of(evidence: StudyEvidence, found: Trust) -> str:
    """Lay out the section for figures that are there already.

    Args:
        evidence: the study.
        found: its figures.
    """
    body = (
        "".join(_body(evidence, found))
        if found.epoch
        else ("<p>No trial has come to an end alive yet, so there is nothing to compare.</p>")
    )
    return (
        f"<style>{_STYLE}</style>"
        '<section aria-labelledby="trust-title">'
        '<h2 id="trust-title">Does the measure predict the probe here?</h2>'
        f"{body}</section>"
    )


def _body(evidence: StudyEvidence, found: Trust) -> list[str]:
    facts = "".join(
        f"<div><dt>{escape(title)}</dt><dd>{escape(text)}</dd></div>"
        for title, text in sentences(found)
    )
    return [
        f'<p class="trust-headline">{escape(headline(found))}</p>',
        _figure(evidence, found),
        f'<dl class="trust-facts">{facts}</dl>' if facts else "",
        measures_table(found) if found.population.probed else "",
        _folded("Other probes", probes_table(found) if found.population.probed else ""),
        _folded("On the way to the end", rungs_table(found)),
        _folded("Do the measures agree?", agreement_table(found, _shown(found))),
    ]


def _figure(evidence: StudyEvidence, found: Trust) -> str:
    drawn = scatter(found, dots_of(evidence))
    if not drawn:
        return ""
    return (
        f"<figure>{drawn}<figcaption>A dot is a trial at epoch {found.epoch}. Inside the band the "
        "probe cannot tell it from the best; hollow dots are barred from the choice."
        "</figcaption></figure>"
    )


def _shown(found: Trust) -> list[str]:
    """The objective and each measure on its own layer: all pairs of both layers fill no screen."""
    both = ("_backbone", "_projector")
    names = found.agreement.measures
    return [n for n in names if not n.endswith(both) or n == found.objective]


def _folded(title: str, table: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{table}</details>" if table else ""
