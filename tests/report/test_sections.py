"""From findings to tables, and the sections that only some runs have."""

import dataclasses
from types import SimpleNamespace

import pandas as pd
import pytest
import report_frames
from report_pages import data_of, parse

from telephone.analysis import MEASURES
from telephone.analysis.inference.article_claims import Claim
from telephone.report import games_of
from telephone.report.html import sections, tables
from telephone.report.html.findings import Findings, text_references
from telephone.report.html.page import render_page
from telephone.report.html.report_data import Motif, Observation, ReportSection, TextTable

NAMES = {"p/d": "d", "p/w": "w"}
PAIR = {"t2i_model": "p/d", "i2t_model": "p/w"}


def test_numbers_intervals_and_shares_are_spelled_and_nothing_is_zero_by_mistake():
    nan = float("nan")
    assert [tables.number(value) for value in (0.123, nan, None)] == ["0.12", "–", "–"]
    assert tables.number(484_663_478.8) == "5e+08"
    assert tables.percent(0.256) == "26\u00a0%" and tables.percent(nan) == "–"
    row = {"x": 0.5, "low": 0.25, "high": 0.75}
    assert tables.interval(row, "x") == "0.50 (0.25 to 0.75)"
    assert tables.interval(row | {"low": nan}, "x") == "0.50"


def test_levels_stand_from_easy_to_impossible_and_all_behind():
    assert tables.ordered(["hard", "all", "easy", "hard"]) == ("easy", "hard", "all")


def test_half_lives_beyond_the_game_are_marked():
    rows = [
        {"level": "hard", **PAIR, "half_life": 2.34, "low": 1.0, "high": float("inf"), "beyond": False, "turns": 10},
        {"level": "easy", **PAIR, "half_life": float("nan"), "low": float("inf"), "high": float("inf"),
         "beyond": True, "turns": 10},
    ]  # fmt: skip
    made = tables.half_lives(pd.DataFrame(rows), NAMES)
    assert made.head == ("", "easy", "hard")
    assert made.rows == (("d + w", "> 10", "2.3 (1.0 to > 10)"),)


def test_published_scores_say_that_they_are_similarities():
    rows = [{"embedder": "e", **PAIR, "measure": measure, "value": value}
            for measure, value in (("text-text", 0.5), ("mcd_avg", 0.25), ("gc_at_t", float("nan")))]  # fmt: skip
    made = tables.published_scores(pd.DataFrame(rows), NAMES)
    assert made.head == ("pair", "embedder", "MCD text-text", "MCD, mean of four")
    assert made.rows == (("d + w", "e", "0.50", "0.25"),) and "higher keeps more" in made.note


def test_style_stands_beside_content_at_the_last_turn():
    ends = (("image", 1, 1.0), ("text", 1, 1.0), ("image", 2, 0.75), ("text", 2, 0.25))
    rest = {"low": 0.0, "high": 1.0, "content_kept": 0.5}
    rows = [{**PAIR, "kind": kind, "turn": turn, "style_kept": kept, **rest} for kind, turn, kept in ends]
    (row,) = tables.style(pd.DataFrame(rows), NAMES).rows
    assert row == ("d + w", "75\u00a0% (0\u00a0% to 100\u00a0%)", "25\u00a0% (0\u00a0% to 100\u00a0%)", "50\u00a0%")


def test_observations_carry_the_number_that_decides():
    share = Claim("stable", "Rest.", "Share.", "holds", "Because.", 0.75, 0.5, 1.0, 0.5)
    gap = Claim("easy", "Drawing.", "Variance.", "undecided", "Few.", 0.0392, None, None)
    bare = Claim("hard", "Both.", "Variance.")
    found = sections.observations(Findings(claims=(share, gap, bare)))
    assert [each.value for each in found] == ["75\u00a0% (50\u00a0% to 100\u00a0%)", "0.039", ""]
    assert [each.verdict for each in found] == ["holds", "undecided", "undecided"]


def test_motifs_of_several_prompts_stand_first_and_single_games_are_left_out():
    table = pd.DataFrame({"text": ["a", "b", "c"], "filepath": [None, "x.png", None], "size": [5, 3, 1],
                          "share": [0.5, 0.3, 0.1], "prompts": [1, 2, 1], "pairs": [5, 2, 1]})  # fmt: skip
    ends = SimpleNamespace(motifs=SimpleNamespace(table=table))
    found = sections.motifs(Findings(convergence=ends))
    assert [each.text for each in found] == ["b", "a"] and found[0].image.name == "x.png"


def test_floor_and_chance_are_those_of_the_judge_that_is_shown():
    table = pd.DataFrame({"embedder": ["one", "one", "two"], "mapping": ["text-text", "text-image", "text-text"],
                          "level": ["easy"] * 3, "floor": [0.1, 0.2, 0.3], "chance": [0.7, 0.8, 0.9]})  # fmt: skip
    assert list(text_references(table)["floor"]) == [0.1]
    assert list(text_references(table, "two")["floor"]) == [0.3]
    assert text_references(table.iloc[:0]) is None


def test_a_run_without_findings_has_none_of_the_sections():
    bare = Findings()
    assert sections.losses(bare, {}) is sections.endings(bare, {}) is sections.judge_checks(bare, {}) is None
    assert sections.motifs(bare) == sections.observations(bare) == ()


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    return report_frames.frame(tmp_path_factory.mktemp("images"))


def test_the_page_shows_the_sections_that_there_are_and_links_them(frame):
    grid = TextTable("A <b>grid</b>", "what it shows", ("", "easy"), (("one", "1.00"),))
    long = dataclasses.replace(grid, title="A long one", rows=grid.rows * 20)
    image = games_of(frame)[0].turns[0].image
    html = render_page(data_of(
        frame,
        losses=ReportSection("Where facts are lost", "A note.", (grid, long)),
        endings=ReportSection("Where games end", "Another."),
        motifs=(Motif("An end.", image, 4, 0.25, 2, 3),),
        observations=(Observation("Seen.", "Tested so.", "does not hold", "Because.", "0.50"),),
        judge_checks=ReportSection("Can the judges be trusted?", "A third.", (grid,)),
        controls=(grid,),
        answer_details=(("In practice", "It gains 10 %."),),
    ))  # fmt: skip
    parser = parse(html)
    words = " ".join(parser.words)
    assert {"losses", "endings", "claims", "judges", "controls"} <= set(parser.ids)
    assert {"#losses", "#endings", "#claims", "#judges", "#controls"} <= {
        found["href"] for tag, found in parser.tags if tag == "a"
    }
    assert "A <b>grid</b>" in words and "<b>grid</b>" not in html
    assert "A long one: 20 rows" in words and "4 games" in words and "from 2 prompts, 3 pairs" in words
    assert 'class="verdict fails"' in html and "10\u00a0%" in words
    plain = parse(render_page(data_of(frame)))
    assert not {"losses", "endings", "claims", "judges", "controls"} & set(plain.ids)


def test_turns_that_only_repeat_are_summarised(frame):
    table = frame.copy()
    game = table["game"] == table["game"].iloc[0]
    still = table[game & (table["step_number"] == 1)].iloc[0]
    for step in (2, 3):
        at = game & (table["step_number"] == step)
        table.loc[at, ["text_before", "text_after", "filepath"]] = [still["text_before"], still["text_after"],
                                                                   still["filepath"]]  # fmt: skip
    html = render_page(data_of(table))
    assert "Turns 2 to 4" in html and "3 turns, all the same" in html
    assert "turns, all the same" not in render_page(data_of(frame))


def test_the_second_opinion_on_the_ranking_has_a_column_a_level():
    rows = [{"level": level, "model": "p/d", "strength": 0.5, "low": 0.1, "high": 0.9} for level in ("easy", "all")]
    (made,) = tables.strengths({"t2i": pd.DataFrame(rows), "i2t": pd.DataFrame()}, NAMES, MEASURES["recall"])
    assert made.title == "Text-to-image models: Bradley-Terry"
    assert made.rows == (("d", "0.50 (0.10 to 0.90)", "0.50 (0.10 to 0.90)"),)


def test_chance_in_the_end_of_a_game_stands_beside_prompts():
    rows = [{"level": "all", **PAIR, "between_seeds": 0.1, "between_prompts": 0.4, "ratio": 0.25}]
    assert tables.seed_sensitivity(pd.DataFrame(rows), NAMES).rows == (("d + w", "0.10", "0.40", "25\u00a0%"),)
    assert tables.seed_sensitivity(pd.DataFrame(rows).iloc[:0], NAMES).rows == ()


def test_what_saving_costs_is_that_of_the_last_turn():
    rows = [{"embedder": "e", "level": "easy", "turn": turn, "mean": turn / 1000, "low": 0.0, "high": 0.01}
            for turn in (1, 2)]  # fmt: skip
    assert tables.reencoded(pd.DataFrame(rows)).rows == (("e", "0.002 (0.000 to 0.010)"),)


def test_an_opinion_is_never_shown_as_a_count():
    curve = pd.DataFrame([{"attribute": "object", "turn": 0, "survival": 1.0}])
    counted = sections.losses(Findings(survival={"attribute": curve}), NAMES)
    opinion = sections.losses(Findings(survival={"attribute": curve}, opinion="fake/teller"), NAMES)
    assert counted is not None and "a measuring program" in counted.note
    assert opinion is not None and opinion.note.startswith("A MODEL'S OPINION, not a count: fake/teller answered")


def test_bits_kept_at_least_are_those_of_the_lower_bound():
    row = {"embedder": "e", "turn": 1, "candidates": 10, "top1": 0.9, "low": 0.7, "high": 1.0, "mrr": 0.95,
           "bits": 2.53, "bits_low": 1.49, "bits_high": 3.32}  # fmt: skip
    made = tables.retrieval(pd.DataFrame([row]))
    cells = dict(zip(made.head, made.rows[0], strict=True))
    assert cells["bits kept, at least"] == "1.49"
    assert cells["at most measurable"] == "3.32"
