"""Indexing folders: what is new, changed, gone or broken; loops of links; parts; stops; a killed process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from telephone.core.errors import ModelError, UsageError
from telephone.models import load_model
from telephone.models.base import Embedder, Traits
from telephone.search.exact import nearest
from telephone.search.indexing import IndexOptions, index_folder
from telephone.search.library import create_library, open_library
from telephone.search.picture_files import find_pictures


class MeanColour(Embedder):
    """Embeds the mean colour of a picture; counts what it embeds."""

    def __init__(self):
        self.name, self.seen = "mean-colour", 0

    def embed_images(self, images):
        self.seen += len(images)
        rows = np.array([np.asarray(image.convert("RGB"), dtype=np.float32).mean(axis=(0, 1)) + 1 for image in images])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def traits(self):
        return Traits("mean colour 1")


def paint(folder: Path, names: list[str]) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = np.random.default_rng(sum(name.encode())).integers(0, 255, 3)
        Image.new("RGB", (20, 10), tuple(int(each) for each in colour)).save(path)


NAMES = [f"{folder}/{number}.png" for folder in ("red", "blue") for number in range(10)]


@pytest.fixture
def pictures(tmp_path):
    paint(tmp_path / "pictures", NAMES)
    return tmp_path / "pictures"


@pytest.fixture
def library(tmp_path):
    with create_library(tmp_path / "library") as made:
        yield made


def index(library, pictures, model=None, **options):
    return index_folder(library, pictures, [model or MeanColour()], IndexOptions(workers=2, batch=4, **options))


def test_a_second_indexing_embeds_only_what_is_new_or_changed(library, pictures):
    model = MeanColour()
    first = index(library, pictures, model)
    assert (first.added, first.removed, first.unchanged, first.broken) == (20, 0, 0, 0)
    assert (library.count(), model.seen) == (20, 21)  # one picture finds out the width
    again = MeanColour()
    second = index(library, pictures, again)
    assert (second.added, second.unchanged, again.seen) == (0, 20, 1)
    paint(pictures, ["green/new.png"])
    Image.new("RGB", (5, 5), (255, 0, 0)).save(pictures / NAMES[0])
    (pictures / NAMES[1]).unlink()
    third = index(library, pictures)
    assert (third.added, third.replaced, third.removed, third.unchanged) == (1, 1, 1, 18)
    assert library.count() == 20
    encoder = library.encoder("mean colour 1")
    red = np.array([[1, 0, 0]], dtype=np.float32)
    (best,) = library.rows(nearest(library.blocks(encoder), red, 1).ids[0].tolist())
    assert best.path == pictures / NAMES[0]


def test_broken_files_are_rows_and_are_not_tried_again_until_they_change(library, pictures):
    (pictures / "torn.png").write_bytes((pictures / NAMES[0]).read_bytes()[:40])
    (pictures / "words.jpg").write_text("no picture")
    (pictures / "notes.txt").write_text("not looked at")
    done = index(library, pictures)
    assert (done.added, done.broken) == (22, 2)
    assert {path.name for path in library.broken()} == {"torn.png", "words.jpg"}
    assert all(reason.endswith(".") for reason in library.broken().values())
    assert index(library, pictures).unchanged == 22
    Image.new("RGB", (5, 5), "white").save(pictures / "torn.png")
    assert index(library, pictures).replaced == 1
    assert len(library.broken()) == 1


def test_links_that_loop_and_hidden_files(library, pictures):
    (pictures / "red" / "again").symlink_to(pictures)
    (pictures / "lost.png").symlink_to(pictures / "nowhere.png")
    (pictures / ".hidden.png").write_bytes(b"")
    (pictures / os.fsdecode(b"caf\xe9.png")).write_bytes((pictures / NAMES[0]).read_bytes())
    assert index(library, pictures).added == 21
    assert any(os.fsencode(each.path).endswith(b"caf\xe9.png") for each in library.rows(range(1, 22)))


def test_parts_together_are_all_files_and_no_part_removes_those_of_others(library, pictures):
    parts = [{each.path for each in find_pictures(pictures, (number, 3))} for number in (1, 2, 3)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 20
    for number in (1, 2, 3):
        index(library, pictures, shard=(number, 3))
    assert library.count() == 20
    with pytest.raises(UsageError, match="no part 4 of 3"):
        index(library, pictures, shard=(4, 3))


def test_folders_that_are_empty_or_missing(library, tmp_path):
    (tmp_path / "empty").mkdir()
    assert index(library, tmp_path / "empty").added == 0
    with pytest.raises(UsageError, match="does not exist"):
        index(library, tmp_path / "missing")
    with pytest.raises(UsageError, match="at least one encoder"):
        index_folder(library, tmp_path / "empty", [])


def test_an_encoder_that_returns_no_numbers_is_refused(library, pictures):
    class Broken(MeanColour):
        def embed_images(self, images):
            return super().embed_images(images) * (np.nan if len(images) > 1 else 1)

    with pytest.raises(ModelError, match="not finite"):
        index(library, pictures, Broken())
    assert library.count() == 0


def test_segments_are_written_while_indexing_and_pocket_clip_finds_its_pictures(library, pictures):
    clip = load_model("pocket/clip")
    done = index_folder(library, pictures, [clip, MeanColour()], IndexOptions(seal=8, batch=4))
    assert done.added == 20
    assert len(library.segments) == 2
    row = library.encoder(clip.traits().fingerprint)
    shown = clip.embed_images([Image.open(pictures / NAMES[7])])
    (best,) = library.rows(nearest(library.blocks(row), shown, 1).ids[0].tolist())
    assert best.path == pictures / NAMES[7]
    assert library.properties([best.id])[0]["width"] == 20


SLOW = """
import sys, time
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from test_indexing import MeanColour, index
from telephone.search.library import create_library

class Slow(MeanColour):
    def embed_images(self, images):
        time.sleep(0.05)
        return super().embed_images(images)

with create_library(Path(sys.argv[2])) as library:
    print("ready", flush=True)
    print(index(library, Path(sys.argv[1]), Slow(), seal=6).interrupted, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_stopped_or_killed_is_continued(tmp_path, pictures, how):
    folder = tmp_path / "stopped"
    for after in (0.02, 0.08, 0.14, 0.2):
        command = [sys.executable, "-c", SLOW, str(pictures), str(folder), str(Path(__file__).parent)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        time.sleep(after)
        process.send_signal(how)
        process.communicate()
    with open_library(folder) as library:
        index(library, pictures, seal=6)
        assert (library.count(), library.verify()) == (20, [])
        ids = np.concatenate([block.ids for block in library.blocks(library.encoder("mean colour 1"))])
        assert len(ids) == len(set(ids.tolist())) == 20
