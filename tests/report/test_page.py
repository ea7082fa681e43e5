import base64
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import report_frames
from PIL import Image
from report_pages import data_of, parse, tables

from telephone.plots import Encoding, drift_figure
from telephone.report import VarianceShare, leaderboard_table, write_page
from telephone.report.html.embedded_images import ENCODINGS, EmbeddedImages, ImageEncoding, webp
from telephone.report.html.figures import inline_svg
from telephone.report.html.page import render_page


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    return report_frames.frame(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def html(frame):
    broken = report_frames.broken(frame, 1, 2, "The canvas is <b>torn</b>.")
    return render_page(data_of(report_frames.broken(broken, 3, 1, "Not allowed here.", outcome="refused")))


def test_page_is_well_formed_and_its_ids_are_unique(html):
    parser = parse(html)
    assert len(parser.ids) == len(set(parser.ids))
    links = {found["href"] for tag, found in parser.tags if tag == "a"}
    assert links <= {f"#{name}" for name in parser.ids}
    used = {found["href"] for tag, found in parser.tags if tag == "use"}
    assert used and used <= {f"#{name}" for name in parser.ids}


def test_page_loads_nothing_from_elsewhere(html):
    without_names = html.replace("http://www.w3.org/", "")
    assert not re.search(r"(?i)(https?:)?//[a-z0-9]", re.sub(r"base64,[A-Za-z0-9+/=]+", "", without_names))
    parser = parse(html)
    assert not [tag for tag, _ in parser.tags if tag in ("link", "iframe", "object", "embed", "base")]
    assert not [found for _, found in parser.tags if "src" in found]
    assert set(re.findall(r"url\((?!#)(.{11})", html)) <= {"data:image/"}


def test_page_shows_every_game_with_its_texts(html, frame):
    words = " ".join(parse(html).words)
    for text in ["A small battle", "Nothing is known.", "games planned", *report_frames.PROMPTS.values()]:
        assert text in words
    assert html.count('<details class="game"') == 12
    assert frame["text_after"].iloc[5] in words
    assert "The game that kept most facts" in words and "The game that kept fewest facts" in words


def test_failed_and_refused_games_are_shown_with_their_reason(html):
    words = " ".join(parse(html).words)
    assert "failed: The canvas is <b>torn</b>." in words
    assert "refused: Not allowed here." in words
    assert 'data-outcome="failed"' in html and 'data-outcome="refused"' in html
    assert "<b>torn</b>" not in html


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}</style>"])
def test_texts_of_models_are_never_markup(frame, evil):
    table = frame.copy()
    table["text_after"] = evil
    table["prompt"] = table["prompt"] + evil
    table["t2i_model"] = table["t2i_model"] + evil
    html = render_page(data_of(table, title=evil, subtitle=evil))
    assert evil not in html.replace("{{ 7 * 7 }}", "") or evil.startswith("{{")
    parser = parse(html)
    assert [tag for tag, _ in parser.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in parser.tags]
    assert not [name for _, found in parser.tags for name in found if name.startswith("on")]
    assert evil in " ".join(parser.words) and "49" not in re.findall(r"<title>(.*?)</title>", html)[0]


def test_control_characters_and_marks_that_reverse_texts_are_dots(frame):
    evil = "A \x1b[31mred\x07 \u202eboat\u2066, 一只狗\tand\x9b a cat"
    found = render_page(data_of(frame.assign(prompt=evil, text_after=evil, reason=evil)))
    assert "A ·[31mred· ·boat·, 一只狗" in found
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", found)


def test_equal_images_are_embedded_once(frame):
    html = render_page(data_of(frame))
    distinct = frame["filepath"].nunique()
    assert html.count("data:image/webp;base64,") == distinct < 2 * len(frame)


def test_missing_and_damaged_images_do_not_stop_the_report(tmp_path):
    table = report_frames.frame(tmp_path, turns=2)
    gone, bad = table["filepath"].unique()[:2]
    Path(gone).unlink()
    Path(bad).write_bytes(b"\x89PNG no more")
    html = render_page(data_of(table))
    assert "the image file is missing or damaged" in html
    assert html.count("data:image/webp") == table["filepath"].nunique() - 2


def test_a_run_without_scores_and_one_without_games_can_be_reported(frame):
    bare = frame.assign(text_after_dist=np.nan, facts_recall=np.nan)
    words = " ".join(parse(render_page(data_of(bare, leaderboards=()))).words)
    assert "No game has been scored yet" in words and "unscored" in words
    empty = frame.iloc[:0]
    html = render_page(data_of(empty, leaderboards=(), games=(), figures={}))
    parse(html)


def test_best_of_a_column_is_marked_and_missing_cells_are_dashes(frame):
    table = pd.DataFrame({"level": ["easy", "easy", "hard"], "t2i_model": ["a", "b", "a"], "mean": [0.5, 0.25, 0.75]})
    html = render_page(data_of(frame, leaderboards=(leaderboard_table("Drawing", "distance", table, ("t2i_model",)),)))
    found = html[html.index("<table>") : html.index("</table>")]
    assert re.findall(r'<td class="best"><span class="mean">([\d.]+)', found) == ["0.25"]
    assert found.count('class="none"') == 1


def test_shares_are_shown_in_percent_and_more_is_better(frame):
    table = pd.DataFrame({"level": ["easy", "easy"], "t2i_model": ["a", "b"], "mean": [0.5, 0.25]})
    html = render_page(
        data_of(frame, leaderboards=(leaderboard_table("Drawing", "facts", table, ("t2i_model",), share=True),))
    )
    assert re.findall(r'<td class="best"><span class="mean">([^<]+)', html) == ["50\u00a0%"]


def test_shares_warnings_and_folded_leaderboards_are_shown(frame):
    table = pd.DataFrame({"level": ["easy", "all"], "t2i_model": ["a", "a"], "mean": [0.5, 0.5],
                          "rank_low": [1, 1], "rank_high": [2, 3]})  # fmt: skip
    folded = leaderboard_table("Folded", "distance", table, ("t2i_model",))
    shares = (VarianceShare("who draws", 0.6, -0.1, 0.8), VarianceShare("the rest", -0.02, -0.3, 0.1))
    html = render_page(
        data_of(frame, variance_shares=shares, warnings=("Mind the <gap>.",), folded_leaderboards=(folded,))
    )
    words = " ".join(parse(html).words)
    assert "Mind the <gap>." in words and "who draws" in words
    assert "60\u00a0%" in words and "0\u00a0% to 80\u00a0%" in words
    assert "--x:60.0%;--l:0.0%;--w:80.0%" in html
    assert "rank 1 to 3" in words and "all levels" in words and "More leaderboards" in words


def noisy(folder: Path, count: int, size: int) -> list[Path]:
    paths = []
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (size, size, 3), dtype=np.uint8)
        paths.append(folder / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def test_small_images_are_lossless_while_they_fit(tmp_path):
    paths = noisy(tmp_path, 3, 64)
    css = EmbeddedImages([*paths, None, paths[0]], budget=10**6).css()
    assert css.count("image-rendering:pixelated") == 3
    found = re.search(r"\.p1\{background-image:url\(data:image/webp;base64,([^)]+)\)", css)
    path = tmp_path / "back.webp"
    path.write_bytes(base64.b64decode(found[1]))
    np.testing.assert_array_equal(np.asarray(Image.open(path).convert("RGB")), np.asarray(Image.open(paths[1])))


@pytest.mark.parametrize(("size", "budget"), [(64, 40_000), (64, 22_000), (400, 60_000)])
def test_embedded_images_stay_within_their_budget(tmp_path, size, budget):
    paths = noisy(tmp_path, 6, size)
    embedded = EmbeddedImages(paths, budget)
    assert sum(len(uri) for uri in re.findall(r"url\(([^)]+)\)", embedded.css())) <= budget
    assert all(embedded.css_class(path) for path in paths)


def test_encodings_get_smaller():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (500, 400, 3), dtype=np.uint8))
    sizes = [len(webp(image, encoding)) for encoding in ENCODINGS]
    assert sizes == sorted(sizes, reverse=True)
    assert webp(image, ImageEncoding(100, 80)) != webp(image, ImageEncoding(100, 40))
    assert image.size == (400, 500)


@pytest.mark.slow
def test_a_whole_battle_stays_under_fifteen_megabytes(tmp_path):
    paths = noisy(tmp_path, 1200, 64)  # noise is the worst case: it compresses less than any generated image
    table = report_frames.frame(tmp_path, turns=10, prompts={"easy": "A cat."})
    rows = [
        table.assign(game=table["game"] + str(n), text_after="word " * 120, filepath=[str(p) for p in part])
        for n in range(20)
        if (part := paths[n * 60 : (n + 1) * 60])
    ]
    path = write_page(data_of(pd.concat(rows, ignore_index=True)), tmp_path / "report.html")
    assert 1_000_000 < path.stat().st_size < 15_000_000


def test_svg_takes_the_colours_of_the_page(frame):
    drift = tables(frame, "text_after_dist")
    encoding = Encoding.of(report_frames.T2I, report_frames.I2T)
    svg = inline_svg(drift_figure(drift, "easy", encoding), "one", 'Drift "easy"')
    assert svg.startswith("<svg viewBox=") and 'aria-label="Drift &#34;easy&#34;"' in svg
    assert "var(--text)" in svg and "var(--c0)" in svg and "#0072b2" not in svg and "DejaVu" not in svg
    assert svg == inline_svg(drift_figure(drift, "easy", encoding), "one", 'Drift "easy"')


def test_importing_the_room_loads_no_heavy_library():
    heavy = ("matplotlib", "pandas", "torch", "jinja2")
    code = f"import sys, telephone.report; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
