"""Weights of one's own that cannot be used: a sentence with path and reason, and no game is begun."""

import json
import shutil

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from telephone.cli import main
from telephone.core.errors import WeightsError
from telephone.models import image2text, text2image
from telephone.models.pocket import weights
from telephone.models.pocket.blip import NET

SHIPPED = weights.shipped_folder()


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The folder of one's own weights with a copy of `blip`."""
    folder = tmp_path / "own"
    folder.mkdir()
    shutil.copy(SHIPPED / "blip.safetensors", folder)
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(folder))
    return folder


def rewritten(path, change):
    """Writes a weight file again after a change of its tensors and its metadata."""
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        metadata = dict(file.metadata())
    change(tensors, metadata)
    save_file(tensors, path, metadata)


def cut(size):
    return lambda path: path.write_bytes(path.read_bytes()[:size])


def flipped(at):
    def change(path):
        data = bytearray(path.read_bytes())
        data[at] ^= 0x10
        path.write_bytes(bytes(data))

    return change


def config(text):
    return lambda path: rewritten(path, lambda tensors, metadata: metadata.update(config=text))


def first(tensors):
    return next(name for name in sorted(tensors) if tensors[name].is_floating_point())


DAMAGE = {
    "empty": cut(0),
    "seven bytes": cut(7),
    "cut header": cut(100),
    "cut data": cut(-100),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "text": lambda path: path.write_text("weights"),
    "header length": flipped(1),
    "huge header": lambda path: path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:]),
    "header is a list": lambda path: path.write_bytes((2).to_bytes(8, "little") + b"[]"),
    "header without tensors": lambda path: path.write_bytes((2).to_bytes(8, "little") + b"{}"),
    "no config": lambda path: rewritten(path, lambda tensors, metadata: metadata.pop("config")),
    "config is no JSON": config("{"),
    "config is a list": config("[1]"),
    "config of another net": config('{"width": 3}'),
    "config of another size": config(json.dumps({"image": {"width": -5}, "text": {"layers": "two"}})),
    "tensor missing": lambda path: rewritten(path, lambda tensors, _: tensors.pop(first(tensors))),
    "tensor of another name": lambda path: rewritten(
        path, lambda tensors, _: tensors.update(x=tensors.pop(first(tensors)))
    ),
    "tensor of another shape": lambda path: rewritten(
        path, lambda tensors, _: tensors.update({first(tensors): torch.ones(3)})
    ),
    "not a number": lambda path: rewritten(
        path, lambda tensors, _: tensors[first(tensors)].view(-1)[:1].fill_(torch.nan)
    ),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_weights_are_named_before_the_first_call(own, damage):
    damage(own / "blip.safetensors")
    reason = NET.lacks()
    assert str(own / "blip.safetensors") in reason
    assert "telephone learn" in reason
    assert "\n" not in reason
    with pytest.raises(WeightsError):
        image2text("pocket/blip").generate_texts([text2image("oracle/renderer").generate_image("a red apple")], [1])


def test_good_weights_of_ones_own_are_used(own):
    assert NET.lacks() == ""
    assert weights.find("blip")[0] == own / "blip.safetensors"
    assert weights.find("clip")[0] == SHIPPED / "clip.safetensors"  # the folder may hold a part


def test_a_folder_that_does_not_exist_is_an_error(tmp_path, monkeypatch):
    for path in (tmp_path / "none", tmp_path / "file"):
        (tmp_path / "file").touch()
        monkeypatch.setenv("TELEPHONE_WEIGHTS", str(path))
        assert "which is no folder" in NET.lacks()


def test_play_stops_before_the_first_game(own, tmp_path, capsys, monkeypatch):
    cut(-100)(own / "blip.safetensors")
    out = tmp_path / "run"
    words = ["telephone", "play", "--t2i", "oracle/renderer", "--i2t", "pocket/blip", "--out", str(out), "--turns", "1"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 1
    found = capsys.readouterr()
    assert "blip.safetensors" in " ".join((found.out + found.err).split())
    assert not out.exists()
