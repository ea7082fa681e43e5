"""Every kind of prompt file, and every mistake in one, told with file, line and column."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from telephone.core.errors import PromptError
from telephone.core.images import encode_png
from telephone.prompts import load
from telephone.prompts.decoding import is_blank, trimmed
from telephone.prompts.files import MAX_TEXT


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def texts(path: Path) -> list[tuple[str, str]]:
    return [(prompt.level, prompt.text) for prompt in load(path)]


def test_txt(tmp_path: Path) -> None:
    content = "\ufeff# mine\r\n\r\nA wise owl reads.\r\nhard\tA red apple.\r\n  A small red apple on a beach.  \n"
    path = write(tmp_path, "mine.txt", content)
    assert texts(path) == [
        ("easy", "A wise owl reads."),
        ("hard", "A red apple."),
        ("easy", "A small red apple on a beach."),
    ]
    assert [prompt.source for prompt in load(path)] == ["mine.txt, line 3", "mine.txt, line 4", "mine.txt, line 5"]
    assert all(prompt.first == "text" for prompt in load(path))


def test_level_from_facts(tmp_path: Path) -> None:
    six = "Two small red apples and a big blue dog."  # kind, colour, size, count; kind, colour, size
    assert texts(write(tmp_path, "a.txt", six)) == [("medium", six)]
    unknown = "Two small red apples and a big blue dragon, two green cats, three black hats, a pink house."
    assert texts(write(tmp_path, "b.txt", unknown)) == [("easy", unknown)]


def test_csv(tmp_path: Path) -> None:
    content = 'ID,Text,Level\none,"A red, round apple\nin two lines",Medium\n\ntwo,A cat,\n'
    found = load(write(tmp_path, "a.csv", content))
    assert [(p.id, p.text, p.level, p.source) for p in found] == [
        ("one", "A red, round apple\nin two lines", "medium", "a.csv, line 2"),
        ("two", "A cat", "easy", "a.csv, line 5"),
    ]


def test_csv_with_semicolons(tmp_path: Path) -> None:
    assert texts(write(tmp_path, "a.csv", "text;level\nA cat, a dog;hard\n")) == [("hard", "A cat, a dog")]


def test_parti_prompts(tmp_path: Path) -> None:
    long = "a dream of " + " ".join(["very"] * 30) + " blue cows"
    content = (
        'Prompt\tCategory\tChallenge\tNote\n"\tAbstract\tBasic\t\na sign that says "hi\tArts\tWriting & Symbols\t\n'
        f"three cows\tAnimals\tQuantity\tx\n{long}\tArts\tImagination\t\na blue cow\tArts\tImagination\t\n"
        "three cows\tAnimals\tQuantity\ty\n"
    )
    assert texts(write(tmp_path, "PartiPrompts.tsv", content)) == [
        ("easy", '"'),
        ("hard", 'a sign that says "hi'),
        ("medium", "three cows"),
        ("impossible", long),
        ("hard", "a blue cow"),
    ]


def test_jsonl(tmp_path: Path) -> None:
    content = '{"text": "A cat", "level": "hard", "id": 7}\n\n"A dog"\n{"prompt": "a bench", "tag": "single_object"}\n'
    found = load(write(tmp_path, "a.jsonl", content))
    assert [(p.text, p.level) for p in found] == [("A cat", "hard"), ("A dog", "easy"), ("a bench", "easy")]
    assert found[0].id == "7"
    assert len(found[1].id) == 12


@pytest.mark.parametrize("content", ['["A cat", {"text": "A dog"}]', '{"prompts": ["A cat", {"text": "A dog"}]}'])
def test_json(tmp_path: Path, content: str) -> None:
    assert [prompt.text for prompt in load(write(tmp_path, "a.json", content))] == ["A cat", "A dog"]


def test_picture_prompt(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    Image.new("RGBA", (4, 3), (255, 0, 0, 255)).save(tmp_path / "pictures" / "red.webp", lossless=True)
    content = '{"image": "pictures/red.webp"}\n{"image": "pictures/red.webp", "text": "A red flag", "level": "hard"}\n'
    bare, told = load(write(tmp_path, "a.jsonl", content))
    assert (bare.first, bare.text, told.text, told.level) == ("image", "red.webp", "A red flag", "hard")
    assert bare.image == told.image == encode_png(Image.new("RGB", (4, 3), (255, 0, 0)))


WRONG: dict[str, tuple[str, str | bytes, str]] = {
    "level in csv": (
        "prompts.csv", "text,level\nA cat,easy\nA dog,hrad\n",
        "prompts.csv, line 3, column level: 'hrad' is not one of easy, medium, hard, impossible",
    ),
    "level in txt": ("a.txt", "hrad\tA dog\n", "a.txt, line 1, column level: 'hrad' is not one of"),
    "level is a number": ("a.jsonl", '{"text": "A cat", "level": 3}', "a.jsonl, line 1, column level: 3 is not a text"),
    "not utf-8": ("a.txt", "Ä cat\nbé".encode() + b"\xff", "a.txt, line 2, column 3: the byte 0xff is not UTF-8"),
    "half of utf-16": ("a.txt", "A cat".encode("utf-16") + b"x", "a.txt: it begins as UTF-16, but the bytes at"),
    "invisible text": ("a.csv", "id,text\n1,\u200b\n", "a.csv, line 2, column text: the text is empty"),
    "only invisible lines": ("a.txt", "\u200b\n\ufe0f\n\u00ad\n\u2800\n\x1a", "a.txt contains no prompt"),
    "empty file": ("a.txt", "", "a.txt contains no prompt"),
    "only comments": ("a.txt", "# one\n\n", "a.txt contains no prompt"),
    "only a header": ("a.csv", "text\n", "a.csv contains no prompt"),
    "empty list": ("a.json", "[]", "a.json contains no prompt"),
    "empty text": ("a.csv", "id,text\n1,  \n", "a.csv, line 2, column text: the text is empty"),
    "empty prompt": ("a.tsv", "Prompt\tNote\n\tx\n", "a.tsv, line 2, column prompt: the text is empty"),
    "no text": ("a.jsonl", '{"level": "easy"}', "a.jsonl, line 1, column text: it is missing"),
    "text is null": ("a.jsonl", '{"text": null}', "a.jsonl, line 1, column text: it is missing"),
    "short record": ("a.csv", "id,text\n1\n", "a.csv, line 2, column text: it is missing"),
    "no text column": ("a.csv", "sentence,level\nA cat,easy\n", "a.csv, line 1: there is no column text or prompt"),
    "column twice": ("a.csv", "text,text\na,b\n", "a.csv, line 1: the column 'text' appears twice"),
    "too many fields": ("a.csv", "text,level\nA cat, a dog,easy\n", "a.csv, line 2: there are 3 fields and 2 columns"),
    "open quote": ("a.csv", 'text\nA cat\n"A dog\n', "a.csv, line 3: the record cannot be read"),
    "not json in jsonl": ("a.jsonl", '{"text": "A cat"}\n{"text": A}', "a.jsonl, line 2, column 10: this is not JSON"),
    "not json": ("a.json", '[\n "A cat",\n oops]', "a.json, line 3, column 2: this is not JSON"),
    "deep json": ("a.json", "[" * 200_000, "a.json: this JSON cannot be parsed"),
    "huge number": ("a.json", "[" + "1" * 5_000 + "]", "a.json: this JSON cannot be parsed"),
    "json is no list": ("a.json", '"A cat"', "a.json: this is a string; write a list"),
    "item is a number": ("a.json", '["A cat", 5]', "a.json, item 2: this is a number; write an object"),
    "half a character": ("a.jsonl", r'{"text": "A \ud83d cat"}', "a.jsonl, line 1, column text: the character at 3"),
    "id twice": (
        "a.jsonl", '{"text": "A cat", "id": "x"}\n{"text": "A dog", "id": "x"}',
        "a.jsonl, line 2, column id: 'x' is already the id of a.jsonl, line 1",
    ),
    "text twice": (
        "a.txt", "A cat\nA dog\nA cat", "a.txt, line 3, column text: this prompt is a duplicate of a.txt, line 1",
    ),
    "prompt twice": (
        "a.csv", "prompt\nA cat\nA cat\n", "a.csv, line 3, column prompt: this prompt is a duplicate of a.csv, line 2",
    ),
    "id with control": (
        "a.jsonl", r'{"text": "A", "id": "a\u0007"}', "a.jsonl, line 1, column id: 'a\\x07' is not a valid id",
    ),
    "long text": ("a.txt", "a" * (MAX_TEXT + 1), f"a.txt, line 1, column text: the text has {MAX_TEXT + 1} characters"),
    "other kind": ("a.docx", "x", "a.docx has an unsupported extension: use one of .txt, .csv"),
    "no picture": ("a.jsonl", '{"image": "x.png"}', "a.jsonl, line 1, column image: there is no image 'x.png'"),
    "picture outside": ("a.jsonl", '{"image": "../x.png"}', "column image: '../x.png' is outside the folder"),
    "picture outside, absolute": ("a.jsonl", '{"image": "/etc/hostname"}', "column image: '/etc/hostname' is outside"),
    "picture with a null": ("a.jsonl", r'{"image": "a\u0000b"}', "a.jsonl, line 1, column image: 'a\\x00b' cannot be"),
    "picture is none": ("a.jsonl", '{"image": "a.jsonl"}', "a.jsonl, line 1, column image: 'a.jsonl' cannot be used: "),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_mistakes(tmp_path: Path, case: str) -> None:
    name, content, message = WRONG[case]
    with pytest.raises(PromptError) as caught:
        load(write(tmp_path, name, content))
    assert message in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"There is no file .*gone\.txt"):
        load(tmp_path / "gone.txt")
    (tmp_path / "dir.txt").mkdir()
    with pytest.raises(PromptError, match="is not a file"):
        load(tmp_path / "dir.txt")
    with pytest.raises(PromptError, match="There is no file"):
        load("a\0b.txt")


def test_link_out_of_the_folder(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "secret.png")
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "x.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(PromptError, match="outside the folder"):
        load(write(tmp_path / "list", "a.jsonl", '{"image": "x.png"}'))


KINDS = st.sampled_from([".txt", ".csv", ".tsv", ".jsonl", ".json"])
KEYS = st.sampled_from(["text", "level", "id", "image"]) | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=8,
)
CONTENT = (
    st.binary(max_size=200)
    | st.text(alphabet='text,level\t\n\r"#;{}[]: \ud800\x00é|easy', max_size=120).map(
        lambda text: text.encode(errors="surrogatepass")
    )
    | JSON.map(lambda item: json.dumps(item).encode())
)


@settings(max_examples=300, deadline=None)
@given(kind=KINDS, content=CONTENT)
def test_any_bytes_give_prompts_or_a_prompt_error(
    tmp_path_factory: pytest.TempPathFactory, kind: str, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{kind}"
    path.write_bytes(content)
    try:
        found = load(path)
    except PromptError as error:
        assert "any" in str(error)
    else:
        assert found
        assert len({prompt.id for prompt in found}) == len(found)
        assert all(prompt.text.encode() for prompt in found)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\ufeff"), min_size=1, max_size=20).filter(
                lambda text: not is_blank(text)
            ),
            st.sampled_from(["easy", "medium", "hard", "impossible"]),
        ),
        min_size=1,
        unique_by=lambda row: trimmed(row[0]),
    )
)
def test_jsonl_round_trip(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.getbasetemp() / "trip.jsonl"
    path.write_text("\n".join(json.dumps({"text": text, "level": level}) for text, level in rows))
    assert texts(path) == [(level, trimmed(text)) for text, level in rows]
