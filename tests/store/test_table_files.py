"""Tables for spreadsheets: what a spreadsheet computes, and what other programs read."""

import pandas as pd
import pytest

from telephone.core.errors import UsageError
from telephone.store import export
from telephone.store.table_files import SPREADSHEET

FORMULAS = ['=HYPERLINK("http://a.example")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1"]


def test_texts_that_would_be_computed_begin_with_an_apostrophe(tmp_path):
    table = pd.DataFrame({"text": [*FORMULAS, "A red boat", "1-2"], "score": [-0.5] * 9})
    path = export(table, tmp_path / "a.csv", SPREADSHEET)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    found = pd.read_csv(path, encoding="utf-8-sig")
    assert list(found["text"]) == [*(f"'{text}" for text in FORMULAS), "A red boat", "1-2"]
    assert list(found["score"]) == [-0.5] * 9


@pytest.mark.parametrize("text", ["two\r\nlines", "a\rb", 'a "b"\r', "a\nb"])
def test_line_ends_of_every_kind_come_back(tmp_path, text):
    table = pd.DataFrame({"text": [text, "A boat, red"], "score": [0.5, float("nan")], "n": [1, 2]})
    found = pd.read_csv(export(table, tmp_path / "a.csv"))
    assert list(found["text"]) == [text, "A boat, red"]
    assert list(found["n"]) == [1, 2]
    assert found["score"].isna().tolist() == [False, True]


def test_by_default_texts_are_as_they_were(tmp_path):
    table = pd.DataFrame({"text": FORMULAS[:4]})
    path = export(table, tmp_path / "a.csv")
    assert path.read_bytes().startswith(b"text\n")
    assert list(pd.read_csv(path)["text"]) == FORMULAS[:4]
    with pytest.raises(UsageError, match="unknown format"):
        export(table, tmp_path / "a.spreadsheet")
