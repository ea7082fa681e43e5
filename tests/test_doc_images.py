"""The pictures of docs/images: made from the present weights, prompts and pocket world, and small."""

import importlib.util
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def module():
    spec = importlib.util.spec_from_file_location("make_images", ROOT / "docs" / "make_images.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(ROOT / "docs" / "images", tmp_path / "images"))


def test_the_pictures_of_the_repository_are_up_to_date(module):
    assert module.problems(module.FOLDER) == [], "run: make images"


def test_every_picture_is_shown_by_a_page(module):
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {Path(path).name for page in pages for path in re.findall(r"!\[[^]]*\]\(([^)]*)\)", page.read_text())}
    assert set(json.loads((module.FOLDER / module.MANIFEST).read_text())["pictures"]) <= shown


def test_other_inputs_and_other_pictures_are_named(module, copy, monkeypatch):
    manifest = json.loads((copy / module.MANIFEST).read_text())
    (copy / module.MANIFEST).write_text(json.dumps(manifest | {"inputs": manifest["inputs"] | {"weights": "other"}}))
    (copy / "game.png").write_bytes(b"other")
    (copy / "world.png").unlink()
    (copy / "mine.png").write_bytes(b"")
    assert module.problems(copy) == [
        "weights changed",
        "game.png is not the picture that was made",
        "world.png is missing",
        "mine.png is not made by this command",
    ]
    monkeypatch.setattr(module, "FOLDER", copy)
    monkeypatch.setattr("sys.argv", ["make_images.py", "--check"])
    assert module.main() == 1
    (copy / module.MANIFEST).unlink()
    assert module.problems(copy) == ["manifest.json is missing"]


def test_a_change_of_the_pocket_world_is_seen(module, monkeypatch):
    world = module.scenes(12)
    monkeypatch.setattr(module, "scenes", lambda count: [(image.rotate(180), text) for image, text in world])
    assert module.problems(module.FOLDER) == ["pocket world changed"]


def test_pictures_are_compressed_below_the_limit_and_keep_few_colours_exactly(module):
    noise = Image.effect_noise((900, 900), 90).convert("RGB")
    with pytest.raises(SystemExit, match="too large"):
        module.compressed(noise)
    flat = Image.new("RGB", (300, 200), "#0072b2")
    flat.paste("#d55e00", (0, 0, 100, 100))
    assert Image.open(io.BytesIO(module.compressed(flat))).convert("RGB").tobytes() == flat.tobytes()
