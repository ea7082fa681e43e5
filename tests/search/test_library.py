"""Libraries on the disk: batches, segments, deletions, damage, and processes that are killed at any moment."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from telephone.core.errors import StoreDamaged, StoreError, UsageError
from telephone.search.exact import nearest
from telephone.search.library import Library, NewPicture, create_library, open_library

WIDTH = 16


def vector(key: int) -> np.ndarray:
    row = np.random.default_rng(key).normal(size=WIDTH)
    return (row / np.linalg.norm(row)).astype(np.float32)


def picture(key: int, encoder: int = 1) -> NewPicture:
    name = f"{key:04d}.png".encode()
    properties = {"width": key + 1, "height": 2, "tags": ["even" if key % 2 == 0 else "odd"]}
    sha = hashlib.sha256(name).hexdigest()
    return NewPicture(Path("/pictures"), name, 10, 20, sha, None, properties, {encoder: vector(key)})


@pytest.fixture
def library(tmp_path):
    with create_library(tmp_path / "library") as made:
        made.add_encoder("own/encoder", "fingerprint 1", WIDTH)
        yield made


def found(library: Library, query: int, k: int = 3) -> list[str]:
    encoder = library.encoder("fingerprint 1")
    rows = nearest(library.blocks(encoder), vector(query)[None], k)
    return [row.path.name for row in library.rows([each for each in rows.ids[0] if each >= 0])]


def test_rows_are_found_alike_in_the_live_segment_and_in_sealed_ones(library):
    library.add(picture(key) for key in range(40))
    before = [found(library, key) for key in range(40)]
    assert [names[0] for names in before] == [f"{key:04d}.png" for key in range(40)]
    library.seal()
    library.add(picture(key) for key in range(40, 60))
    assert [found(library, key)[0] for key in range(60)] == [f"{key:04d}.png" for key in range(60)]
    library.seal()
    library.merge(list(library.segments))
    assert len(library.segments) == 1
    assert [found(library, key)[0] for key in range(60)] == [f"{key:04d}.png" for key in range(60)]
    assert library.verify() == []


def test_properties_come_back_from_both_kinds_of_segments(library):
    ids = library.add(picture(key) for key in range(5))
    live = library.properties(ids)
    library.seal()
    assert library.properties(ids) == live
    assert [row["width"] for row in library.properties(ids[::-1])] == [5, 4, 3, 2, 1]
    assert live[3]["tags"] == ["odd"]


def test_a_file_that_is_added_again_replaces_its_row(library):
    library.add([picture(1), picture(2)])
    library.seal()
    library.add([picture(1)])
    assert library.count() == 2
    assert len(library.deleted()) == 1
    assert found(library, 1, 5).count("0001.png") == 1


def test_removed_rows_are_not_found_and_merging_drops_them(library):
    ids = library.add(picture(key) for key in range(20))
    library.seal()
    assert library.remove([*ids[:5], 10_000]) == 5
    assert "0003.png" not in found(library, 3, 20)
    assert len(found(library, 3, 20)) == 15
    library.merge(list(library.segments))
    assert len(library.deleted()) == 0
    assert [segment.rows for segment in library.segments.values()] == [15]
    with pytest.raises(UsageError, match="no picture"):
        library.rows([ids[0]])


def test_a_batch_that_cannot_be_written_leaves_nothing(library):
    def pictures():
        yield picture(1)
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="full"):
        library.add(pictures())
    assert library.count() == 0


def test_broken_files_are_rows_with_a_reason(library):
    library.add([NewPicture(Path("/pictures"), b"torn.jpg", 3, 4, reason="The file is cut off.")])
    assert library.broken() == {Path("/pictures/torn.jpg"): "The file is cut off."}
    assert library.count() == 0
    assert library.seal() is None


def test_a_damaged_segment_is_reported_and_its_pictures_are_indexed_again(library):
    library.add(picture(key) for key in range(10))
    library.seal()
    library.add(picture(key) for key in range(10, 20))
    second = library.seal()
    path = library.segments[second].folder / "vectors-1.f16"
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)
    (fault,) = library.verify()
    assert str(path) in fault and "repair" in fault
    path.write_bytes(content[:-2])
    with pytest.raises(StoreDamaged, match="bytes"):
        library.blocks(library.encoder("fingerprint 1"))
    assert sorted(lost.name for lost in library.repair()) == [f"{key:04d}.png" for key in range(10, 20)]
    assert library.verify() == []
    assert library.count() == 10
    assert found(library, 4)[0] == "0004.png"


def test_names_in_any_encoding_are_kept(library):
    name = b"caf\xe9 \xff.png"
    library.add([NewPicture(Path("/pictures"), name, 1, 2, "00", None, {"width": 1}, {1: vector(1)})])
    (row,) = library.rows([1])
    assert os.fsencode(row.path) == b"/pictures/" + name


def test_another_encoder_is_refused_with_the_names_of_those_that_are_there(library):
    with pytest.raises(UsageError, match="own/encoder"):
        library.encoder("fingerprint 2")


def test_folders_that_hold_no_library_or_something_else(tmp_path):
    with pytest.raises(UsageError, match="telephone search index"):
        open_library(tmp_path)
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(UsageError, match=r"letter\.txt"):
        create_library(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "library.sqlite").write_bytes(b"no database at all, but long enough to be one" * 40)
    with pytest.raises(StoreDamaged):
        open_library(tmp_path / "other")


def test_a_second_writer_is_refused(library):
    with (
        library.writing(),
        open_library(library.folder) as other,
        pytest.raises(StoreError) as refused,
        other.writing(),
    ):
        pass
    assert "being indexed" in str(refused.value)


def test_readers_see_what_a_writer_commits(library):
    with open_library(library.folder) as reader:
        before = reader.catalog.version()
        library.add([picture(1)])
        assert reader.catalog.version() != before
        library.seal()
        assert found(reader, 1) == ["0001.png"]


SCRIPT = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_library import picture
from telephone.search import library as module, segment
from telephone.search.library import create_library

at, points = int(sys.argv[3]), 0

def point(*args):
    global points
    points += 1
    if points == at:
        os._exit(9)

def before_and_after(holder, name):
    inner = getattr(holder, name)
    def wrapped(*args, **kwargs):
        point()
        result = inner(*args, **kwargs)
        point()
        return result
    setattr(holder, name, wrapped)

for holder, name in ((module, "write_segment"), (module, "publish"), (module, "_insert_segment"),
                     (module, "_remove"), (segment, "write_vectors"), (module.shutil, "rmtree")):
    before_and_after(holder, name)
with create_library(Path(sys.argv[1])) as library, library.writing():
    library.add_encoder("own/encoder", "fingerprint 1", 16)
    for start in range(0, 30, 10):
        known = set(library.files(Path("/pictures")))
        library.add(each for each in map(picture, range(start, start + 10)) if each.path not in known)
        point()
        library.seal()
    if len(library.segments) > 1:
        library.merge(list(library.segments))
print("finished")
"""


@pytest.mark.slow
def test_a_process_that_is_killed_at_any_point_is_continued_by_the_next(tmp_path):
    """Every step between two writes is a point; the process ends there without any clean-up."""
    ends = []
    for at in range(1, 60):
        folder = tmp_path / f"library-{at}"
        command = [sys.executable, "-c", SCRIPT, str(folder), str(Path(__file__).parent)]
        first = subprocess.run([*command, str(at)], capture_output=True, text=True, check=False)
        if first.returncode == 0:
            break
        assert first.returncode == 9, first.stderr
        again = subprocess.run([*command, "0"], capture_output=True, text=True, check=False)
        assert again.returncode == 0, again.stderr
        with open_library(folder) as library:
            assert library.verify() == []
            assert library.count() == 30
            assert [found(library, key)[0] for key in range(30)] == [f"{key:04d}.png" for key in range(30)]
            folders = sorted(path.name for path in (folder / "segments").iterdir())
            assert folders == [f"{number:06d}" for number in library.segments]
        ends.append(at)
    assert len(ends) >= 15


def test_properties_of_rows_in_several_row_groups_come_in_the_order_of_the_ids(library, monkeypatch):
    monkeypatch.setattr("telephone.search.segment.ROW_GROUP", 8)
    ids = library.add(picture(key) for key in range(40))
    library.seal()
    wanted = [ids[33], ids[0], ids[7], ids[8], ids[39]]
    assert [each["id"] for each in library.properties(wanted)] == wanted
    assert [each["width"] for each in library.properties(wanted)] == [34, 1, 8, 9, 40]
