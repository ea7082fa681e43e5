import io
import re
from dataclasses import replace
from pathlib import Path

import lineage_operations
import pytest
from PIL import Image

from telephone import pipeline, world
from telephone.core.errors import UsageError
from telephone.lineage.all_operations import OPERATIONS, available, load_operation
from telephone.lineage.result import Verdict
from telephone.lineage.seen_facts import SeenFact, seen_phrases
from telephone.lineage.table_curves import curve_tables
from telephone.store import Run


@pytest.fixture
def own(monkeypatch):
    lineage_operations.install(monkeypatch)


def test_the_page_shows_what_works_and_why_the_rest_failed(own, tmp_path: Path):
    page = pipeline.lineage_page(tmp_path / "run")
    assert page.path == tmp_path / "run" / "lineage.html"
    assert [each.operation.name for each in page.outcomes] == ["redraw", "fail", "crash", "lack"]
    assert [each.operation.name for each in page.failed] == ["fail", "crash"]
    lacking = page.outcomes[3].result
    assert lacking is not None and lacking.verdict is Verdict.IMPOSSIBLE
    html = page.path.read_text()
    assert "run `telephone learn glide`" in html
    assert "The weights of &lt;this&gt; model are not installed" in html
    assert "ZeroDivisionError: division by zero" in html
    assert "drawn &lt;b&gt;" in html and "<b>drawn" not in html and "<td>&lt;i&gt;" not in html.replace("\n", "")
    assert "A reservation." in html and "A claim about redraw." in html and "a note" in html
    assert '<span class="badge holds">holds</span>' in html
    assert "telephone lineage redraw</code>" in html
    assert "data:image/svg+xml;base64," in html
    assert "Facts by theta" in html and 'aria-label="Facts by theta"' in html
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", html), "the page loads something"


def test_the_same_page_again_makes_no_call_again(own, tmp_path: Path):
    first = pipeline.lineage_page(tmp_path / "run", operations=("redraw",))
    with Run.open(tmp_path / "run") as run:
        before = {ref: spent.calls for ref, spent in run.spending().items()}
    again = pipeline.lineage_page(tmp_path / "run", operations=("redraw",))
    with Run.open(tmp_path / "run") as run:
        assert {ref: spent.calls for ref, spent in run.spending().items()} == before == {
            "oracle/renderer": 8, "oracle/reader": 8,
        }  # fmt: skip
        assert run.verify() == []
    assert first.outcomes[0].result is not None and again.outcomes[0].result is not None
    assert first.outcomes[0].result.measures == again.outcomes[0].result.measures


def test_one_operation_with_options_tells_the_command_that_repeats_it(own, tmp_path: Path):
    options = lineage_operations.RedrawOptions(
        n=9, words=("a red apple", "a boat"), exact=False, picture=Path("my x.png")
    )
    result = pipeline.lineage_operation("redraw", options, tmp_path / "run")
    assert result.verdict is Verdict.HOLDS
    assert result.command == (
        "telephone lineage redraw --n 9 --picture 'my x.png' --words 'a red apple' --words 'a boat' --no-exact"
    )
    assert 0 < result.seconds < 60
    with pytest.raises(UsageError, match="no operation 'redrew'. Did you mean redraw"):
        pipeline.lineage_operation("redrew", folder=tmp_path / "run")
    with pytest.raises(UsageError, match="must end in .html"):
        pipeline.lineage_page(tmp_path / "run", tmp_path / "page.txt")


def test_pictures_are_written_as_a_sheet_or_as_a_file_of_the_operation(own, tmp_path: Path):
    result = pipeline.lineage_operation("redraw", folder=tmp_path / "run")
    with Image.open(pipeline.write_operation(result, tmp_path / "sheet.png")) as sheet:
        assert sheet.width >= 700 and sheet.height > 8 * 150
    assert pipeline.write_operation(result, tmp_path / "d.svg").read_bytes() == result.files["drawing.svg"]
    with Image.open(pipeline.write_operation(result, tmp_path / "film.gif")) as film:
        assert film.size == (384, 384)
    with pytest.raises(UsageError, match="must end in .png or .webp"):
        pipeline.write_operation(result, tmp_path / "film.txt")
    with pytest.raises(UsageError, match="no strip of several pictures"):
        pipeline.write_operation(replace(result, strips=()), tmp_path / "film.webp")


def test_every_operation_is_declared_in_full():
    assert "family" in available()
    for name in available():
        operation = load_operation(name)
        assert operation.name == name in OPERATIONS
        assert operation.title and operation.claim and operation.paper
        operation.options()


def test_facts_are_marked_against_the_truth():
    truth = world.parse("two small red apples, a blue boat, on a beach at night")
    seen = world.parse("three red apples, a green boat and a robot, on a snowfield")
    phrases = seen_phrases(truth, seen)
    facts = {fact.text: fact for phrase in phrases for fact in phrase}
    assert facts["3 \u00d7"] == SeenFact("3 \u00d7", "wrong", "2 \u00d7")
    assert facts["green"].expected == "blue"
    assert facts["small"].state == facts["night"].state == "missing"
    assert facts["red"].state == facts["boat"].state == "kept"
    assert facts["snowfield"] == SeenFact("snowfield", "wrong", "beach")
    assert facts["robot"].state == "added"
    assert all(fact.state == "kept" for phrase in seen_phrases(truth, truth) for fact in phrase)
    assert seen_phrases(world.Scene(), world.Scene()) == []


def test_tables_that_are_curves_are_drawn_as_curves():
    rows = [{"N": n, "chosen by": who, "facts kept": 0.5, "low": 0.4, "high": 0.6} for who in "ab" for n in (1, 4, 16)]
    (found,) = curve_tables("Best of N", rows)
    assert list(found.table["curve"].unique()) == ["a", "b"]
    assert (found.options.x_label, found.options.percent) == ("N", True)
    mixed = [{"theta": t, "facts kept": t / 4, "PSNR": 30.0 + t, "n": 8} for t in range(4)]
    shares, others = curve_tables("By theta", mixed)
    assert (shares.options.percent, others.options.percent) == (True, False)
    assert curve_tables("Names", [{"name": "a", "value": 1.0}]) == []
    assert curve_tables("Two points", [{"x": 1, "y": 2}, {"x": 2, "y": 3}]) == []
    assert curve_tables("Nothing", []) == []
    gaps = curve_tables("With a gap", [{"x": x, "y": None if x == 1 else 0.5} for x in range(4)])
    assert gaps[0].table["mean"].isna().sum() == 1


def test_a_sheet_of_long_strips_has_several_rows(own, tmp_path: Path):
    from telephone.lineage.result import Cell, OperationResult, Strip
    from telephone.lineage.sheet import operation_sheet

    cells = tuple(Cell(Image.new("RGBA", (20, 64 + n), (n, 0, 0, 255)), f"picture {n}") for n in range(23))
    sheet = operation_sheet(OperationResult("x", Verdict.UNDECIDED, "Why.", (), (Strip(cells),)))
    assert sheet.mode == "RGB"
    assert sheet.width < 1800 and sheet.height > 3 * 150
    bare = operation_sheet(OperationResult("x", Verdict.IMPOSSIBLE, "No weights.", ()))
    io.BytesIO(bare.tobytes())
    assert bare.height > 60
