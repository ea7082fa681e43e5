"""How the report states endings: what rest says with the noise of the run, regimes, and motifs of long games."""

import pandas as pd
import pytest

from telephone.analysis.convergence.overview import analyse_convergence
from telephone.analysis.convergence.rest_evidence import RestEvidence
from telephone.report.html import ending_tables, sections
from telephone.report.html.findings import Findings

NAMES = {"p/d": "d", "p/w": "w"}


def frame(turns: int, prompts: int = 6) -> pd.DataFrame:
    """Returns games that wander for two turns and then rest at one of two sentences."""
    rows = [
        {"game": f"g{at}", "prompt_id": f"p{at}", "prompt": f"start {at}", "level": "easy", "t2i_model": "p/d",
         "i2t_model": "p/w", "repeat": 0, "step_number": turn, "outcome": "ok",
         "text_after": f"w{at} x{at} y{turn}{at}" if turn < 2 else ("a red boat", "one green tree at night")[at % 2]}
        for at in range(prompts) for turn in range(turns)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("noise", ["fresh", "fixed"])
def test_the_table_says_what_rest_says_and_has_the_regime(noise: str) -> None:
    evidence = RestEvidence(noise, ("slow-painter",))
    found = analyse_convergence(frame(10), evidence=evidence)
    made = ending_tables.fixed_points(found, NAMES)
    assert evidence.words in made.note and "slow-painter takes no seed" in made.note
    (row,) = made.rows
    assert row[:3] == ("d + w", "6", "6")
    assert row[-2].startswith("contractive: 100") and row[-1] == "contractive"
    assert ending_tables.fixed_points(analyse_convergence(frame(10)), NAMES).note in made.note


def test_games_of_few_turns_have_no_regime() -> None:
    (row,) = ending_tables.fixed_points(analyse_convergence(frame(4)), NAMES).rows
    assert row[-2:] == ("–", "too few turns")


def test_motifs_are_counted_in_long_games_alone() -> None:
    long, short = (analyse_convergence(frame(turns)) for turns in (ending_tables.LONG, 10))
    (row,) = ending_tables.motif_counts(long.motif_counts, ending_tables.LONG, NAMES).rows
    assert row[:2] == ("d + w", "6") and row[3] == "2" and row[5] == "3"
    assert ending_tables.motif_counts(short.motif_counts, 10, NAMES).rows == ()
    titles = [table.title for table in sections.endings(Findings(convergence=long), NAMES).tables]
    assert "Do different prompts end in the same motif?" in titles
    titles = [table.title for table in sections.endings(Findings(convergence=short), NAMES).tables]
    assert "Do different prompts end in the same motif?" not in titles
