import subprocess
import sys

import pytest
from report_pages import CAPTIONERS, PAINTERS, played

from telephone import prompts
from telephone.battle import begin, grid, plan
from telephone.report import Count, collect_report, write_report
from telephone.report.html import sentences
from telephone.store import Run, ScorerKind


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with played(tmp_path_factory.mktemp("run") / "whole") as run:
        yield run


def test_report_of_a_real_run_is_written_beside_it(run):
    path = write_report(run)
    assert path == run.folder / "report.html"
    html = path.read_text(encoding="utf-8")
    for text in (
        "Two models draw, two describe: 16 games of three turns",
        "Which text-to-image model keeps most of the meaning?",
        "What matters more: drawing or describing?",
        "Four pairs of models passed on four prompts",
        "More leaderboards",
        "fingerprint",
    ):
        assert text in html
    assert html.count('<details class="game"') == 16
    assert html.count("<small>starts with the image</small>") == 1
    assert html.count('<div class="prompt">') == 4 and "None" not in html


def test_report_says_what_the_analysis_says(run):
    from telephone.analysis import summarise

    data, found = collect_report(run), summarise(run)
    assert [one.answer for one in data.answers] == [one.answer for one in found.answers]
    assert [one.title for one in data.leaderboards] == ["Text-to-image models", "Image-to-text models", "Pairs"]
    overall = found.leaderboard("pair").overall
    cells = [row.cells[data.leaderboards[2].levels[-1]] for row in data.leaderboards[2].rows]
    assert [cell.mean for cell in cells] == pytest.approx(list(overall["mean"]))
    assert data.counts == (Count(16, "games planned"), Count(16, "finished"))


def test_image_first_games_show_the_image_that_started_them(run):
    games = [game for game in collect_report(run).games if game.first == "image"]
    assert len(games) == 4
    assert all(game.turns[0].number == 0 and game.turns[0].image.exists() for game in games)
    assert all(len(game.turns) == 4 and game.turns[-1].after is None for game in games)


def test_another_path_and_an_older_report_are_written_over(run, tmp_path):
    path = tmp_path / "deep" / "page.html"
    assert write_report(run, str(path)) == path
    first = path.read_bytes()
    path.write_text("old")
    write_report(run, path)
    assert path.read_bytes() == first


def test_failed_games_are_counted_and_shown(tmp_path):
    with played(tmp_path / "run", ("fake/painter?fail=0.3&refuse=0.2",), ("fake/captioner",), turns=4) as run:
        data = collect_report(run)
    counts = {count.words: count.number for count in data.counts}
    outcomes = [game.outcome for game in data.games]
    assert counts["finished"] == outcomes.count("ok") < 4
    assert counts.get("failed", 0) + counts.get("refused", 0) == 4 - counts["finished"]
    assert not data.answers[0].settled
    assert any("stopped early" in warning for warning in data.warnings)


def test_a_run_that_is_not_judged_says_so(tmp_path):
    with played(tmp_path / "run", judged=False) as run:
        data = collect_report(run)
        html = write_report(run).read_text(encoding="utf-8")
    assert data.leaderboards == data.folded_leaderboards == () == data.variance_shares
    assert "descriptions unscored" in [count.words for count in data.counts]
    assert "No game has been scored yet" in html


def test_a_run_that_has_not_begun_says_so(tmp_path):
    with begin(tmp_path / "run", plan(grid(PAINTERS, CAPTIONERS), prompts.get("pocket:easy"))) as run:
        data = collect_report(run)
        html = write_report(run).read_text(encoding="utf-8")
    assert [count.words for count in data.counts] == ["games planned", "finished", "still to play"]
    assert "12</b> still to play" in html


def test_floor_and_chance_belong_to_the_judge_that_is_shown(run):
    (scorer,) = run.scorers(ScorerKind.DISTANCE)
    for judge in (None, scorer.identity, "fake/embedder"):
        drift = collect_report(run, judge).figures["drift"]
        assert drift["chance"].notna().any()
        assert len(drift) == len(drift.drop_duplicates(["level", "t2i_model", "i2t_model", "step_number"]))


def test_words():
    assert [sentences.number(count) for count in (0, 1, 12, 13, 1200)] == ["no", "one", "twelve", "13", "1,200"]
    assert sentences.counted(1, "game") == "one game" and sentences.counted(120, "game") == "120 games"


def test_report_needs_neither_torch_nor_models(run):
    code = (
        "import sys; from telephone.store import Run; from telephone.report import write_report\n"
        "with Run.open(sys.argv[1]) as run: write_report(run, sys.argv[1] + '/again.html')\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('torch', 'transformers') or 'telephone.models' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(run.folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert isinstance(run, Run)
