"""`telephone lineage`: the page, and one command for each operation."""

import json
from pathlib import Path

import lineage_operations
import pytest
from PIL import Image

from telephone.lineage.operation import field_docs


@pytest.fixture(autouse=True)
def own(monkeypatch):
    lineage_operations.install(monkeypatch)


def test_the_page_is_written_and_a_failed_operation_is_an_exit_code(cli, tmp_path: Path):
    made = cli("lineage")
    assert made.exit_code == 1
    assert "redraw       holds" in made.stdout
    assert "Error: crash: ZeroDivisionError" in made.stderr
    assert (tmp_path / "runs" / "lineage" / "lineage.html").is_file()


def test_some_operations_alone_and_the_page_elsewhere_as_json(cli, tmp_path: Path):
    made = cli("lineage", "--only", "redraw", "--out", "page.html", "--run", "own", "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    assert told["operations"][0]["verdict"] == "holds"
    assert told["operations"][0]["measures"][0]["value"] > 0.9
    assert told["page"] == "page.html"
    assert (tmp_path / "page.html").is_file() and (tmp_path / "own" / "run.sqlite").is_file()
    assert cli("lineage", "--only", "nothing").exit_code == 2


def test_options_of_an_operation_are_options_of_its_command(cli, tmp_path: Path):
    told = cli("lineage", "redraw", "--help").stdout
    for part in ("--n", "How many held-out scenes.", "--picture", "FILE", "--words", "--no-exact", "--out", "--json"):
        assert part in told
    made = cli(
        "lineage", "redraw", "--n", "9", "--words", "a boat", "--words", "an apple", "--no-exact", "--out", "s.png"
    )
    assert made.exit_code == 0, made.output
    assert "Holds. Facts kept:" in made.stdout
    assert "telephone lineage redraw --n 9 --words 'a boat' --words 'an apple' --no-exact" in made.stdout
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.mode == "RGB"


def test_an_operation_as_json(cli):
    told = json.loads(cli("lineage", "redraw", "--json").stdout)
    assert told["measures"][0]["n"] == 8
    assert told["tables"]["Facts by theta"][1]["theta"] == 0.25
    assert told["strips"][0]["pictures"][0]["seen"]
    assert told["notes"] == ["A reservation."]


def test_wrong_use_is_one_sentence(cli):
    made = cli("lineage", "redraw", "--scale", "-1")
    assert (made.exit_code, made.stderr.splitlines()[-1]) == (2, "Error: scale is below 0: give 0 or more.")
    assert cli("lineage", "fail").exit_code == 2
    assert cli("lineage", "redrew").exit_code == 2
    assert cli("lineage", "redraw", "--n", "3", "--n", "4").exit_code == 2


def test_the_text_below_a_field_is_its_help():
    assert field_docs(lineage_operations.RedrawOptions)["words"] == "Words to draw as well."
