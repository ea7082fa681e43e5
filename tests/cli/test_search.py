"""`telephone search`: a library of the pocket world's pictures, from the first indexing to a repair."""

import json

import pytest

from telephone import world
from telephone.world.scene import Scene, Thing

KINDS = ("boat", "cat", "tree")


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for kind in KINDS:
        for colour in ("red", "green", "blue"):
            scene = Scene(things=(Thing(kind, colour),))
            world.render(scene, size=64, seed=1).save(folder / f"{colour[0]}{kind[0]}.png")
    (folder / "torn.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def library(cli, pictures):
    assert cli("search", "index", str(pictures)).exit_code == 0
    return pictures


def document(made):
    assert made.exit_code == 0, made.stderr
    return json.loads(made.stdout)


def test_indexing_twice_changes_nothing_and_names_what_is_broken(cli, pictures, tmp_path):
    own = str(tmp_path / "library")
    first = document(cli("search", "index", str(pictures), "--library", own, "--json"))
    assert (first["added"], first["broken"]) == (10, 1) and str(pictures / "torn.png") in first["broken_files"]
    again = cli("search", "index", str(pictures), "--library", own)
    assert "0 added, 0 replaced, 0 removed, 10 unchanged" in again.stdout and "torn.png" in again.stdout
    found = document(cli("search", "stats", own, "--json"))
    assert (found["pictures"], found["broken"], found["live"]) == (9, 1, 9)
    assert found["encoders"][0]["ref"] == "pocket/clip"
    assert "9 pictures" in cli("search", "stats", own).stdout


def test_queries_in_words_in_two_languages_and_by_picture(cli, library, tmp_path):
    sheet = tmp_path / "sheet.png"
    found = document(
        cli("search", "query", "a green cat", "--library", str(library), "-k", "2", "--json", "--out", str(sheet))
    )
    assert found["hits"][0]["path"].endswith("gc.png") and len(found["hits"]) == 2 and found["matched"]
    assert sheet.read_bytes()[:4] == b"\x89PNG" and found["sheet"] == str(sheet)
    chinese = cli("search", "query", "绿色的猫", "-l", str(library), "-k", "1")
    assert "gc.png" in chinese.stdout and "read as" in chinese.stdout
    picture = document(cli("search", "similar", str(library / "gc.png"), "-l", str(library), "-k", "1", "--json"))
    assert picture["hits"][0]["path"].endswith("gc.png")
    number = str(picture["hits"][0]["id"])
    other = document(cli("search", "similar", number, "-l", str(library), "-k", "1", "--json"))
    assert not other["hits"][0]["path"].endswith("gc.png")


def test_colours_filters_pages_and_what_is_not_wanted(cli, library):
    red = document(cli("search", "query", "--colour", "red:3%", "-l", str(library), "-k", "9", "--json"))
    assert {hit["path"][-6] for hit in red["hits"]} == {"r"}
    args = ("search", "query", "a cat", "-l", str(library), "-k", "2", "--no-keywords", "--json")
    first, second = document(cli(*args)), document(cli(*args, "--page", "2"))
    assert [hit["rank"] for hit in second["hits"]] == [3, 4]
    assert {hit["id"] for hit in first["hits"]}.isdisjoint(hit["id"] for hit in second["hits"])
    without = document(cli(*args, "--not", "a green cat", "--where", "width=64"))
    assert not without["hits"][0]["path"].endswith("gc.png")


def test_what_is_not_there_is_said(cli, library):
    made = cli("search", "query", "a giraffe", "-l", str(library))
    assert made.exit_code == 0 and "know too few of the words" in made.stdout


def test_a_library_is_merged_checked_verified_and_repaired(cli, library, tmp_path):
    assert "1 segment" in cli("search", "merge", str(library)).stdout
    queries = tmp_path / "queries.txt"
    queries.write_text("a red boat\na tree\n")
    (check,) = document(cli("search", "check", str(queries), str(library), "--json"))["checks"]
    assert check["recall"] == 1.0 and check["queries"] == 2
    assert "intact" in cli("search", "verify", str(library)).stdout
    (vectors,) = (library / ".telephone-library" / "segments").glob("*/vectors-1.f16")
    vectors.write_bytes(bytes(vectors.stat().st_size))
    damaged = cli("search", "verify", str(library))
    assert damaged.exit_code == 1 and "telephone search repair" in damaged.stdout
    assert len(document(cli("search", "repair", str(library), "--json"))["lost"]) == 9
    assert "9 added" in cli("search", "index", str(library)).stdout
    assert "nothing was dropped" in cli("search", "repair", str(library)).stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("query", "x", "-l", "missing"), "no picture library in missing"),
        (("query", "-l", "LIBRARY"), "query is empty"),
        (("query", "--not", "a cat", "-l", "LIBRARY"), "only what is not wanted"),
        (("query", "a cat", "-k", "0", "-l", "LIBRARY"), "between 1 and"),
        (("query", "a cat", "--page", "0", "-l", "LIBRARY"), "counted from 1"),
        (("query", "a cat", "--where", "size=3", "-l", "LIBRARY"), "no field 'size'"),
        (("query", "a cat", "--encoder", "pocket/other", "-l", "LIBRARY"), "no vectors of pocket/other"),
        (("query", "a cat", "--out", "sheet.txt", "-l", "LIBRARY"), "sheet.txt"),
        (("similar", "missing.png", "-l", "LIBRARY"), "no picture missing.png"),
        (("index", "missing"), "does not exist"),
        (("index", "LIBRARY", "--shard", "3/2"), "no part"),
        (("index", "LIBRARY", "--encoder", "fake/embedder"), "has vectors of pocket/clip"),
        (("check", "missing.txt", "LIBRARY"), "no file missing.txt"),
    ],
)
def test_wrong_use_is_one_sentence(cli, library, args, message):
    made = cli("search", *(str(library) if each == "LIBRARY" else each for each in args))
    assert made.exit_code == 2
    assert message in made.stderr and "Traceback" not in made.stderr
