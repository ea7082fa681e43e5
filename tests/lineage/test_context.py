import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from draw_captions import FINGERPRINT
from lineage_calls import REF, Roster, begun
from PIL import Image

from telephone import world
from telephone.core.errors import ModelError, UsageError
from telephone.core.records import request_key
from telephone.judge.vectors import text_hash
from telephone.lineage.context import LineageContext
from telephone.store import Run
from telephone.world.sampler import held_out

SCRIPT = Path(__file__).parents[1] / "support" / "lineage_calls.py"


def test_equal_calls_are_made_once_over_contexts_and_pictures_are_the_same(tmp_path: Path):
    log, texts = tmp_path / "log", ["an apple", "a boat", "an apple"]
    with LineageContext(tmp_path / "run", load=Roster(log)) as context:
        first = context.draw(REF, texts, [1, 1, 1])
        assert sorted(begun(log)) == ["a boat", "an apple"]
        context.draw(REF, texts, [1, 1, 2])  # another seed is another call
        assert begun(log)[2:] == ["an apple"]
    with LineageContext(tmp_path / "run", load=Roster(log)) as context:
        again = context.draw(REF, texts, [1, 1, 1])
    assert len(begun(log)) == 3
    assert [a.tobytes() for a in first] == [b.tobytes() for b in again]
    with Run.open(tmp_path / "run") as run:
        assert run.verify() == []
        assert [row.ref for row in run.spec.models] == [REF]


def test_a_context_without_a_folder_makes_equal_calls_once_as_well(tmp_path: Path):
    context = LineageContext(load=Roster(tmp_path / "log"))
    assert context.folder is None
    context.draw(REF, ["an apple"], [1])
    context.draw(REF, ["an apple"], [1])
    assert begun(tmp_path / "log") == ["an apple"]


def test_models_join_the_run_as_they_are_needed_and_changed_weights_are_another_model(tmp_path: Path):
    with LineageContext(tmp_path / "run", load=Roster(tmp_path / "log")) as context:
        (picture,) = context.draw(REF, ["a red apple"], [1])
        assert "a red apple" in context.describe("fake/captioner", [picture])[0]
    with LineageContext(tmp_path / "run", load=Roster(tmp_path / "log", fingerprint="drawer 2")) as context:
        context.draw(REF, ["a red apple"], [1])
    assert len(begun(tmp_path / "log")) == 2
    with Run.open(tmp_path / "run") as run:
        rows = [(row.ref, row.kind, row.name) for row in run.spec.models]
        assert rows == [
            (REF, "text2image", "logging-drawer"),
            ("fake/captioner", "image2text", "fake/captioner"),
            (REF, "text2image", "logging-drawer (2)"),
        ]
        assert run.verify() == []


@pytest.mark.parametrize("folder", [True, False])
def test_vectors_are_made_once_and_are_the_same_later(tmp_path: Path, folder):
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "red")]
    where, roster = (tmp_path / "run" if folder else None), Roster(tmp_path / "log")
    with LineageContext(where, load=roster) as context:
        texts = context.embed_texts("own/embedder", ["an apple", "a boat"])
        images = context.embed_images("own/embedder", pictures)
        assert roster.embedder.items == 4
        assert texts.shape == (2, 3) and images.shape == (3, 3)
        assert texts.dtype == images.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, atol=1e-6)
        np.testing.assert_array_equal(images[0], images[2])
        np.testing.assert_array_equal(texts, context.embed_texts("own/embedder", ["an apple", "a boat"]))
        assert roster.embedder.items == 4
        assert context.embed_texts("own/embedder", []).shape == (0, 3)
    if folder:
        with LineageContext(where, load=roster) as context:
            np.testing.assert_array_equal(images, context.embed_images("own/embedder", pictures))
        assert roster.embedder.items == 4


def test_a_reading_is_what_the_reader_sees_and_is_stored(tmp_path: Path):
    from telephone.models import image2text

    with LineageContext(tmp_path / "run") as context:
        pictures = context.pictures([*context.scenes("medium", 3), *context.scenes("hard", 3)])
        pictures += [Image.effect_noise((90, 50), 60), Image.new("RGBA", (3, 200))]
        seen = context.read(pictures)
        assert seen == image2text("oracle/reader").read(pictures)  # type: ignore[attr-defined]
    with Run.open(tmp_path / "run") as run:
        assert run.spending()["oracle/reader"].calls == len(pictures)


def test_scenes_are_held_out_and_the_same_for_everyone(tmp_path: Path):
    context = LineageContext()
    scenes = context.scenes("easy", 12)
    assert scenes[:5] == LineageContext().scenes("easy", 5)
    assert scenes != context.scenes("easy", 12, "other")
    assert all(any(held_out(thing.kind, thing.colour) for thing in scene.things) for scene in scenes)
    captions = context.captions(scenes)
    assert len(set(captions)) == 12
    assert [world.parse(text) for text in captions] == scenes
    pictures = context.pictures(scenes)
    assert {picture.size for picture in pictures} == {(64, 64)}
    assert [p.tobytes() for p in pictures] == [p.tobytes() for p in context.pictures(scenes)]


def test_wrong_use_says_what_to_do(tmp_path: Path):
    context = LineageContext(load=Roster(tmp_path / "log"))
    with pytest.raises(UsageError, match="1 inputs of own/drawer have 2 seeds"):
        context.draw(REF, ["an apple"], [1, 2])
    with pytest.raises(UsageError, match="-1 is no seed"):
        context.draw(REF, ["an apple"], [-1])
    assert context.draw(REF, ["an apple"], np.array([3]))
    with pytest.raises(UsageError, match="no model 'pocket/nothing'"):
        context.draw("pocket/nothing", ["an apple"], [1])
    with pytest.raises(UsageError, match="at least one scene"):
        context.scenes("easy", 0)
    with pytest.raises(ModelError, match="failed"):
        context.draw("fake/painter?fail=1", ["an apple"], [1])
    with pytest.raises(ModelError, match="refused"):
        context.draw("fake/painter?refuse=1", ["an apple"], [1])
    assert context.draw(REF, [], []) == []
    assert context.lacks("oracle/renderer", "text2image") == ""
    assert "no pocket/nothing" in context.lacks("pocket/nothing", "text2image")


def test_a_folder_with_a_battle_or_other_files_is_left_alone(tmp_path: Path):
    from store_runs import GAMES, SPEC

    Run.create(tmp_path / "battle", SPEC, GAMES).close()
    with pytest.raises(UsageError, match="holds a battle"):
        LineageContext(tmp_path / "battle")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "letter.txt").write_text("Dear")
    with pytest.raises(UsageError, match="files that are no run"):
        LineageContext(tmp_path / "files")


def test_progress_is_reported(tmp_path: Path):
    said: list[tuple[int, int, str]] = []
    context = LineageContext(progress=lambda *row: said.append(row), load=Roster(tmp_path / "log"))
    context.draw(REF, ["an apple", "a boat"], [1, 2])
    context.progress(3, 4, "pictures inverted")
    assert said == [(1, 2, "calls of own/drawer"), (2, 2, "calls of own/drawer"), (3, 4, "pictures inverted")]


def test_a_killed_session_goes_on_and_makes_no_stored_call_again(tmp_path: Path):
    folder, log = tmp_path / "run", tmp_path / "log"
    command = [sys.executable, str(SCRIPT), str(folder), str(log), "--captions", "40"]
    texts = [f"caption {number}" for number in range(40)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None and len(begun(log)) < 20:
            time.sleep(0.001)
        process.kill()
        process.communicate(timeout=60)
    with Run.open(folder) as run:
        stored = {text for number, text in enumerate(texts) if run.find_call(key_of(number, text))}
    before = len(begun(log))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.endswith("complete\n")
    assert stored
    assert not stored & {*begun(log)[before:]}
    assert {*begun(log)} == {*texts}


def key_of(number: int, text: str) -> str:
    """Returns the key of a call of the logging drawer."""
    return request_key("image", FINGERPRINT, [text_hash(text)], seed=number)
