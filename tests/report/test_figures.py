"""The registered figures, and the worked example of docs/add-a-figure.md."""

import importlib.util
import re
import sys
from pathlib import Path

import pandas as pd
import pytest
import report_frames
from report_pages import played

from telephone.plots import Encoding
from telephone.report import collect_report
from telephone.report.html import figures
from telephone.report.html.page import SECTIONS, render_page

PAGE = Path(__file__).parents[2] / "docs" / "add-a-figure.md"
ENCODING = Encoding.of(report_frames.T2I, report_frames.I2T)


def test_every_figure_has_its_own_key_and_a_section_of_the_page():
    keys = [figure.key for figure in figures.FIGURES]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z0-9-]+", key) for key in keys)
    assert {figure.section for figure in figures.FIGURES} <= set(SECTIONS)
    assert all(figure.label for figure in figures.FIGURES)


def by_turn(levels=("easy", "hard")):
    rows = [
        {"level": level, "t2i_model": report_frames.T2I[0], "i2t_model": report_frames.I2T[0], "step_number": step,
         "mean": 0.1 * (step + 1)}
        for level in levels for step in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_figure_is_drawn_for_each_level_that_has_values():
    table = by_turn(("easy", "medium", "hard"))
    table.loc[table["level"] == "medium", "mean"] = float("nan")
    (block,) = figures.draw_section("curves", {"drift": table}, ("easy", "medium", "hard"), ENCODING)
    labels = [re.search(r'aria-label="([^"]+)"', svg)[1] for svg in block.svgs]
    assert labels == [
        "Mean distance from the prompt by turn, easy prompts",
        "Mean distance from the prompt by turn, hard prompts",
    ]


def test_headings_begin_blocks_and_other_figures_join_the_block_before():
    losses = pd.DataFrame({"kind": ["image"], "player": ["p"], "attribute": ["colour"], "hazard": [0.5]})
    tables = {"drift": by_turn(), "facts": by_turn(), "losses-model": losses, "losses-attribute": losses}
    curves = figures.draw_section("curves", tables, ("easy", "hard"), ENCODING)
    assert [(block.heading, len(block.svgs)) for block in curves] == [("", 2), ("Counted facts", 2)]
    assert [len(block.svgs) for block in figures.draw_section("losses", tables, (), ENCODING)] == [2]
    assert figures.draw_section("judges", tables, ("easy",), ENCODING) == []


def load_module(path: Path, name: str):
    """Returns the module of a file, which can be imported by its name from then on."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def example(monkeypatch, tmp_path):
    """The two code blocks of the page: a module of plots, and an entry of FIGURES."""
    page = PAGE.read_text(encoding="utf-8")
    figure_code, entry_code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    name = re.search(r"Write `src/(telephone/plots/\w+)\.py`", page)[1].replace("/", ".")
    imports, entry = entry_code.split("\n\n", 1)
    (tmp_path / "figure.py").write_text(figure_code, encoding="utf-8")
    own = f"{imports}\nfrom telephone.report.html.figures import ReportFigure\n\nADDED = {entry}"
    (tmp_path / "entry.py").write_text(own, encoding="utf-8")
    for module in (name, "added_entry"):
        monkeypatch.setitem(sys.modules, module, None)  # so that both are removed after the test
    load_module(tmp_path / "figure.py", name)
    added = load_module(tmp_path / "entry.py", "added_entry").ADDED
    monkeypatch.setattr(figures, "FIGURES", (*figures.FIGURES, added))
    return added


def test_the_example_of_the_page_adds_a_figure_with_two_files(tmp_path, example):
    with played(tmp_path / "run") as run:
        data = collect_report(run)
    html = render_page(data)
    section = html[html.index(f'<section id="{example.section}">') :]
    section = section[: section.index("</section>")]
    assert f"<h3>{example.heading}</h3>" in section and example.note in section
    assert f'aria-label="{example.label}"' in section
    assert f'<a href="#{example.section}">' in html
    assert not (Path(figures.__file__).parents[2] / "plots" / "retrieval.py").exists(), "the example must stay new"


def test_figures_say_how_far_they_may_be_scaled_down_and_which_need_the_whole_width():
    table = by_turn(("easy",))
    second = table.assign(t2i_model=report_frames.T2I[1])
    (narrow,) = figures.draw_section("curves", {"drift": table}, ("easy",), ENCODING)[0].svgs
    (wide,) = figures.draw_section("curves", {"drift": pd.concat([table, second])}, ("easy",), ENCODING)[0].svgs
    assert not figures.is_wide(narrow) and figures.is_wide(wide)
    smallest = [int(re.search(r"min-width: (\d+)px", svg)[1]) for svg in (narrow, wide)]
    assert 400 < smallest[0] < 500 < smallest[1] < 800


def test_curves_are_followed_by_their_bands_so_that_a_page_can_pair_them():
    table = by_turn(("easy",)).assign(low=0.0, high=1.0)
    (svg,) = figures.draw_section("curves", {"drift": table}, ("easy",), ENCODING)[0].svgs
    found = re.findall(r'class="(curve|band)"', svg)
    assert found == ["curve", "band"]
