"""Prompt files as spreadsheets, editors and other systems save them: encodings, marks, separators and quotes."""

import codecs
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephone.prompts import load
from telephone.prompts.decoding import decode, is_blank, trimmed

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
LINES = "A red boat.\nA blue cat.\n"


def texts(folder: Path, name: str, content: str | bytes) -> list[str]:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return [prompt.text for prompt in load(folder / name)]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", [LINES, "一只狗\n两只猫\n", "Ein Boot, grün.\r\nЛодка.\r\n"])
def test_encodings(tmp_path, encoding, text):
    assert texts(tmp_path, "a.txt", text.encode(encoding)) == text.splitlines()


def test_joined_files_keep_no_byte_order_mark_and_no_second_header(tmp_path):
    one, other = "A red boat.\n".encode("utf-8-sig"), "A blue cat.\n".encode("utf-8-sig")
    assert texts(tmp_path, "a.txt", one + other) == ["A red boat.", "A blue cat."]
    assert texts(tmp_path, "b.txt", codecs.BOM_UTF8 + one) == ["A red boat."]
    tables = [f"text,level\n{text},hard\n".encode("utf-8-sig") for text in ("A red boat.", "A blue cat.")]
    assert texts(tmp_path, "a.csv", b"".join(tables)) == ["A red boat.", "A blue cat."]
    assert texts(tmp_path, "b.csv", b"\xef\xbb\xbf" + tables[0]) == ["A red boat."]


@pytest.mark.parametrize("header", ["\u200btext", "te\u00adxt", '"text"', " TEXT "])
def test_marks_in_a_header_are_dropped(tmp_path, header):
    assert texts(tmp_path, "a.csv", f"{header},level\nA cat,easy\n") == ["A cat"]


@pytest.mark.parametrize(
    "line", ["\u200b", "\ufe0f", "\u00ad", "\u2800", "\x1a", "\u3164", " \u2060\t", "\u200e\u200f"]
)
def test_lines_that_show_nothing_are_skipped(tmp_path, line):
    assert is_blank(line)
    assert texts(tmp_path, "a.txt", f"A red boat.\n{line}\nA blue cat.\n{line}") == ["A red boat.", "A blue cat."]
    assert texts(tmp_path, "a.csv", f"text\nA red boat.\n{line}\n") == ["A red boat."]
    assert texts(tmp_path, "a.jsonl", f'"A red boat."\n{line}\n') == ["A red boat."]


@pytest.mark.parametrize("text", ["❤️", "🚗", "ก", "کتاب\u200cها", "\U0001f468\u200d\U0001f469"])
def test_what_can_be_seen_stays(tmp_path, text):
    assert not is_blank(text)
    assert texts(tmp_path, "a.txt", f"{text}\n") == [text]


def test_marks_at_the_ends_do_not_make_another_prompt(tmp_path):
    assert texts(tmp_path, "a.txt", "A cat\x1a\n") == ["A cat"]
    assert trimmed(" \u200b A cat\u00ad \x1a") == "A cat"


def test_tsv_with_the_quotes_of_a_spreadsheet(tmp_path):
    content = 'text\tlevel\n"A 5"" boat"\teasy\n"A boat\nin two lines"\thard\nA cat\teasy\n'
    assert texts(tmp_path, "a.tsv", content) == ['A 5" boat', "A boat\nin two lines", "A cat"]
    # One field with a bare quote: quotes are characters, as in PartiPrompts.
    bare = 'text\tlevel\n"A 5"" boat"\teasy\nA 6" boat\teasy\n'
    assert texts(tmp_path, "b.tsv", bare) == [
        '"A 5"" boat"',
        'A 6" boat',
    ]


def test_a_space_before_a_quote(tmp_path):
    assert texts(tmp_path, "a.csv", 'level, text\neasy, "A red boat"\nhard, "A red, long boat"\n') == [
        "A red boat", "A red, long boat",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "sep=;\ntext;level\nA cat, a dog;hard\n"),
        ("a.csv", '"sep=|"\ntext|level\nA cat, a dog|hard\n'),
        ("a.csv", "text\tlevel\nA cat, a dog\thard\n"),
        ("a.csv", "level|text\nhard|A cat, a dog\n"),
        ("a.csv", "id;text, level;prompt\n1;x;A cat, a dog\n"),
        ("a.tsv", 'level,text\nhard,"A cat, a dog"\n'),
        ("a.tsv", "level;text\nhard;A cat, a dog\n"),
    ],
)
def test_separators(tmp_path, name, content):
    assert texts(tmp_path, name, content) == ["A cat, a dog"]


def test_a_long_field_in_another_column(tmp_path):
    limit = csv.field_size_limit()
    assert texts(tmp_path, "a.csv", f"text,note\nA cat,{'x' * 200_000}\n") == ["A cat"]
    assert csv.field_size_limit() == limit


WRITERS = {
    "excel": ("a.csv", {"dialect": "excel"}, ""),
    "quoted": ("a.csv", {"quoting": csv.QUOTE_ALL}, ""),
    "semicolon": ("a.csv", {"delimiter": ";"}, ""),
    "stated": ("a.csv", {"delimiter": "|"}, "sep=|\n"),
    "tab": ("a.tsv", {"dialect": "excel-tab"}, ""),
}
PROMPTS = st.lists(
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"], include_characters="\n"), max_size=30)
    .map(trimmed)
    .filter(lambda text: not is_blank(text) and text.lower() != "text"),
    min_size=1,
    max_size=5,
    unique=True,
)


@settings(max_examples=150, deadline=None)
@given(PROMPTS, st.sampled_from(sorted(WRITERS)), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_tables_of_other_programs_come_back(tmp_path_factory, prompts, writer, encoding):
    name, options, head = WRITERS[writer]
    buffer = io.StringIO(newline="")
    rows = csv.writer(buffer, **options)
    rows.writerows([["text", "level"], *([text, "hard"] for text in prompts)])
    folder = tmp_path_factory.getbasetemp()
    assert texts(folder, name, (head + buffer.getvalue()).encode(encoding)) == prompts


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\ufeff\0"), max_size=60), st.sampled_from(ENCODINGS[:2])
)
def test_utf_8_is_never_taken_for_another_encoding(text, encoding):
    assert decode("a.txt", text.encode(encoding)) == text
