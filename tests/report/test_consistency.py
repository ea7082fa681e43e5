"""A page from top to bottom: statements of different sections about the same models agree, and intervals fit."""

import re
from collections.abc import Callable

import analysis_frames
import pytest
from report_pages import played

from telephone.analysis import RunSummary, summarise, summarise_frame
from telephone.report.html import sections, tables
from telephone.report.html.build import collect_report
from telephone.report.html.page import render_page

NUMBER = r"(-?\d+(?:\.\d+)?)(?:\s*%)?"
INTERVAL = re.compile(rf"{NUMBER} [(\[](?:adjusted interval )?{NUMBER}(?: to|,) {NUMBER}[)\]]")
LEVELS = ("easy", "medium", "hard")


def battle(gap_t2i: float, gap_i2t: float, prompts: int) -> RunSummary:
    """A battle in which the second model of each side loses so much more, with some chance."""
    from telephone.core import seeds

    def distance(t2i: str, i2t: str, prompt: str, turn: int) -> float:
        chance = (seeds.derive(t2i, i2t, prompt, turn) % 1000) / 1000 - 0.5
        return 0.4 + gap_t2i * (t2i == "d2") + gap_i2t * (i2t == "w2") + 0.02 * (int(prompt[1:]) % 5) + 0.2 * chance

    return summarise_frame(analysis_frames.frame(distance, analysis_frames.levels(prompts)))


BATTLES = [(0.4, 0.0, 12), (0.4, 0.3, 30), (0.0, 0.0, 12), (0.05, 0.02, 9), (0.02, 0.4, 48), (0.3, 0.0, 4)]


@pytest.fixture(scope="module", params=BATTLES, ids=str)
def summary(request: pytest.FixtureRequest) -> RunSummary:
    return battle(*request.param)


def test_what_is_named_best_is_best_everywhere(summary: RunSummary) -> None:
    for side, answer in zip(("t2i", "i2t"), summary.answers, strict=False):
        board = summary.leaderboard(side)
        name = str(board.overall.iloc[0][board.names[0]])
        assert re.match(rf"(Perhaps |No single one: |No difference: )?{name}\b", answer.answer)
        gain = summary.swap_gains[side]
        assert gain is not None and gain.best == name
        for level in LEVELS:
            rows = board.table[board.table["level"] == level]
            named = re.search(rf"{level} (\w+)", answer.answer.partition("Best mean by level:")[2])
            if named:
                assert named[1] == rows.sort_values("mean", ascending=False).iloc[0][board.names[0]]


def test_answers_ranks_differences_and_gains_agree_on_what_is_significant(summary: RunSummary) -> None:
    for side, answer in zip(("t2i", "i2t"), summary.answers, strict=False):
        ranks = summary.leaderboard(side).overall.set_index(f"{side}_model")
        table = summary.pairwise_differences[side]
        (row,) = table[table["level"] == "all"].to_dict("records")
        apart = bool(row["significant"])
        assert answer.significant == apart
        assert (max(ranks["rank_high"]) > min(ranks["rank_high"])) == apart
        known = row["low_adjusted"] == row["low_adjusted"]
        assert apart == (known and (row["low_adjusted"] > 0 or row["high_adjusted"] < 0))
        gain = summary.swap_gains[side]
        assert gain is not None
        assert (gain.low == gain.low) == known and (not known or (gain.low > 0) == apart)
    shares = summary.variance_shares
    assert summary.answers[2].significant == shares.significant
    assert shares.low is not None and shares.high is not None
    assert shares.significant == (shares.low > 0 or shares.high < 0)


def test_the_figure_and_the_answer_state_the_same_shares(summary: RunSummary) -> None:
    said = re.findall(r"model (?:explains )?(-?\d+) %", summary.answers[2].answer)
    shown = [f"{100 * max(share, 0):.0f}" for share in summary.variance_shares.shapley["share"][:2]]
    assert said[:2] == shown


def test_every_interval_of_the_tables_contains_its_estimate(summary: RunSummary) -> None:
    names: dict[str, str] = {}
    made = [*sections.comparisons(summary, names)]
    texts = [cell for table in made for row in table.rows for cell in row]
    texts += [each.answer for each in summary.answers] + [text for _, text in sections.answer_details(summary)]
    check(" ; ".join(texts), int(summary.prompts >= 8))


def check(text: str, fewest: int = 1) -> None:
    found = [tuple(map(float, each)) for each in INTERVAL.findall(text)]
    assert len(found) >= fewest
    wrong = [each for each in found if not each[1] <= each[0] <= each[2]]
    assert not wrong


def test_the_page_of_a_played_battle_has_intervals_around_their_estimates(tmp_path) -> None:
    run = played(tmp_path / "run")
    page = re.sub(r"<(style|script|svg).*?</\1>", "", render_page(collect_report(run)), flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", page).replace("\u00a0", " ")
    check(text, 0)
    summary = summarise(run)
    assert summary.answers[0].answer.replace(" %", "\u00a0%")[:60] in page
    assert f"The first boards are by the measure that answers the questions: {summary.primary.words}" in text.replace(
        "&#39;", "'"
    )
    assert "keeps most of the meaning (" not in text or summary.primary.name == "similarity"


@pytest.mark.parametrize("form", [tables.number, tables.percent])
def test_a_number_without_bounds_has_no_interval(form: Callable[[float], str]) -> None:
    nan = float("nan")
    for row in ({"x": 0.5, "low": nan, "high": 0.7}, {"x": 0.5, "low": None, "high": None}, {"x": 0.5}):
        assert "(" not in tables.interval(row, "x", form)
