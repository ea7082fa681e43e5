"""The files of a local model: found without a network, measured without loading, hashed so that every change shows."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

from telephone.core.errors import UsageError, WeightsError
from telephone.models.local.model_files import Folder, locate
from telephone.models.local.safetensors_inspection import read_weights

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def save(path, numbers=10, kind=np.float32):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"a": np.arange(numbers, dtype=kind), "b": np.zeros((2, 3), kind)}, path)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "model"
    save(path / "model.safetensors")
    (path / "config.json").write_text('{"model_type": "bert"}')
    (path / "README.md").write_text("words")
    return path


def print_of(path):
    found = Folder(str(path), path)
    return found.fingerprint(found.weights())


@pytest.mark.parametrize("name", ["a b", "a/b/c", "", "a//b", "http://a/b", "a--b/c", "-a/b."])
def test_what_is_no_name_is_told(name):
    with pytest.raises(UsageError, match="write ORG/MODEL|check the spelling"):
        locate(name)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(WeightsError, match="There is no folder"):
        locate(str(tmp_path / "none"))
    with pytest.raises(UsageError, match="no revisions"):
        locate(str(tmp_path), revision="main")


def test_a_relative_folder_is_found(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert locate("./model").path == folder
    (folder.parent / "org" / "model").mkdir(parents=True)
    with pytest.raises(WeightsError, match=r"for the local folder write \./org/model"):
        locate("org/model", provider="diffusers")


def test_a_model_of_the_hub_is_found_by_branch_and_commit_or_the_command_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    told = r'is not on this machine.*run `telephone fetch "diffusers/org/model"`'
    with pytest.raises(WeightsError, match=told):
        locate("org/model", provider="diffusers")
    home = tmp_path / "models--org--model"
    save(home / "snapshots" / COMMIT / "model.safetensors")
    (home / "snapshots" / COMMIT / "config.json").write_text("{}")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(COMMIT)
    for revision in ("", "main", COMMIT):
        found = locate("org/model", revision)
        assert (found.commit, found.path.name) == (COMMIT, COMMIT)
    with pytest.raises(WeightsError, match=r"revision=other"):
        locate("org/model", "other", "transformers")
    assert found.fingerprint(found.weights()) == print_of_hub(found)


def print_of_hub(found):
    other = Folder(found.name, found.path, found.commit)
    changed = Folder(found.name, found.path, COMMIT[::-1])
    assert changed.fingerprint(found.weights()) != other.fingerprint(found.weights())
    return other.fingerprint(found.weights())


def test_a_copy_has_the_same_fingerprint_and_every_change_another(folder, tmp_path):
    first = print_of(folder)
    other = shutil.copytree(folder, tmp_path / "elsewhere")
    assert print_of(other) == first
    (other / "README.md").write_text("other words")
    assert print_of(other) == first
    (other / "config.json").write_text('{"model_type": "bert", "layers": 3}')
    assert print_of(other) != first
    raw = bytearray((folder / "model.safetensors").read_bytes())
    raw[-1] ^= 1
    (folder / "model.safetensors").write_bytes(raw)
    assert print_of(folder) != first


def test_headers_tell_numbers_and_kind_of_every_part(tmp_path):
    save(tmp_path / "unet" / "diffusion_pytorch_model-00001-of-00002.safetensors", 100, np.float16)
    save(tmp_path / "unet" / "diffusion_pytorch_model-00002-of-00002.safetensors", 50, np.float16)
    save(tmp_path / "text_encoder" / "model.safetensors", 20, np.float32)
    found = read_weights(tmp_path, ("unet", "text_encoder"))
    assert (found.numbers, found.largest, found.stored, len(found.files)) == (188, 162, "F16", 3)


def test_of_several_copies_one_is_taken(tmp_path):
    for name in ("model.safetensors", "model.fp16.safetensors", "model.non_ema.safetensors"):
        save(tmp_path / "a" / name)
    assert [file.name for file in read_weights(tmp_path, ("a",)).files] == ["model.safetensors"]
    assert [file.name for file in read_weights(tmp_path, ("a",), "fp16").files] == ["model.fp16.safetensors"]
    save(tmp_path / "b" / "model.fp16-00001-of-00001.safetensors")
    found = read_weights(tmp_path, ("a", "b"))
    assert (found.variant, len(found.files)) == ("fp16", 2)
    with pytest.raises(WeightsError, match="no int8 weights"):
        Folder("x", tmp_path).weights(("a",), "int8")


def test_pickled_weights_are_refused(tmp_path):
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(WeightsError, match=r"pickled weights \(unet/diffusion_pytorch_model.bin\), which can run code"):
        Folder("x", tmp_path).weights(("unet",))
    save(tmp_path / "unet" / "diffusion_pytorch_model.safetensors")
    assert Folder("x", tmp_path).weights(("unet",)).numbers == 16


@pytest.mark.parametrize("damage", [b"", b"\xff" * 40, (2**40).to_bytes(8, "little"), b"\x05\0\0\0\0\0\0\0[1,2]"])
def test_a_damaged_file_is_told(folder, damage):
    (folder / "model.safetensors").write_bytes(damage)
    with pytest.raises(WeightsError, match="not a complete safetensors file"):
        Folder("x", folder).weights()


def test_a_file_that_is_cut_off_in_its_weights_is_told(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"model.safetensors is not a complete .* bytes in place of"):
        Folder("x", folder).weights()


def test_a_damaged_config_and_a_folder_without_weights_are_told(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="cannot be read"):
        Folder("x", folder).json("config.json")
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match="no weights in safetensors files"):
        Folder("x", folder).weights()


def test_a_list_in_a_file_is_told_apart_from_nothing(folder):
    (folder / "modules.json").write_text(json.dumps([{"type": "x"}]))
    assert Folder("x", folder).json("modules.json") == {"items": [{"type": "x"}]}
    assert Folder("x", folder).json("other.json") == {}
