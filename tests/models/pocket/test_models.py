"""The shipped nets themselves: what they draw and tell, and that neither depends on company or form."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from telephone import world
from telephone.core.errors import ModelError, WeightsError
from telephone.core.images import encode_png
from telephone.core.seeds import derive
from telephone.models import embedder, image2text, image_editor, list_models, pocket, text2image
from telephone.models.best_of import candidate_seeds
from telephone.models.pocket import weights

SHIPPED = weights.shipped_folder()
DRAWERS = ("pocket/stable-diffusion", "pocket/dalle-2", "pocket/vqgan-clip")
TEXTS = ["a red apple on a beach", "two small blue boats at night, neon", "a yellow cat in the snow", ""]


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)


def test_every_shipped_file_is_in_the_index_and_small_enough():
    index = json.loads((SHIPPED / weights.INDEX).read_text())
    found = {path.name for path in SHIPPED.glob("*.safetensors")}
    assert set(index) == found
    assert all((SHIPPED / name).stat().st_size <= 16 * 2**20 for name in found)
    assert sum((SHIPPED / name).stat().st_size for name in found) <= 95 * 2**20
    for name in found:
        assert weights.find(name.removesuffix(".safetensors"))[1] == index[name]["sha256"]
        assert (SHIPPED / name).stat().st_size == index[name]["bytes"]


def test_every_pocket_player_has_its_weights_or_says_which_recipe_makes_them():
    makers = {"text2image": text2image, "image2text": image2text, "embedder": embedder, "image_editor": image_editor}
    cards = [card for card in list_models() if card.ref.startswith("pocket/")]
    assert len(cards) >= 11
    index = json.loads((SHIPPED / weights.INDEX).read_text())
    files = {net.name: set(net.files) for net in pocket.NETS}
    for card in cards:
        reason = makers[card.kind](card.ref).lacks()
        shipped = {f"{file}.safetensors" for file in files[card.ref.removeprefix("pocket/")]} <= set(index)
        assert reason == "" if shipped else "`telephone learn" in reason


def test_missing_and_changed_weights_are_reported_with_the_command_that_installs_them(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "shipped_folder", lambda: None)
    with pytest.raises(WeightsError, match=r"pip install ai-telephone-pocket.*telephone learn blip"):
        weights.find("blip")
    monkeypatch.setattr(weights, "shipped_folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match=r"missing at .*pip install ai-telephone-pocket --force-reinstall"):
        weights.find("blip")
    shutil.copy(SHIPPED / weights.INDEX, tmp_path)
    (tmp_path / "blip.safetensors").write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"differ from the shipped ones .*--force-reinstall"):
        weights.find("blip")


@pytest.mark.parametrize("ref", DRAWERS)
def test_a_seed_gives_the_same_bytes_in_any_batch(ref):
    player = text2image(ref)
    seeds = [5, 6, 7, 8]
    together = [encode_png(image) for image in player.generate_images(TEXTS, seeds)]
    alone = [encode_png(player.generate_image(text, seed)) for text, seed in zip(TEXTS, seeds, strict=True)]
    assert together == alone
    assert encode_png(player.generate_image(TEXTS[0], 9)) != together[0]


def test_a_picture_gives_the_same_words_in_any_batch():
    player = image2text("pocket/blip")
    pictures = [world.render(world.parse(text)) for text in TEXTS]
    together = player.generate_texts(pictures, [0] * 4)
    assert together == [player.generate_text(picture, 0) for picture in pictures]
    assert len(set(together)) == 4


@pytest.mark.parametrize("ref", DRAWERS)
@pytest.mark.parametrize(
    "text", ["", "一只红色的猫", "zzz qqq", "a red apple " * 60], ids=["empty", "zh", "unknown", "long"]
)
def test_any_text_is_drawn_and_what_is_cut_is_counted(ref, text):
    player = text2image(ref)
    assert player.generate_image(text, 0).size == (64, 64)
    assert player.count_cut(text) == max(0, len(text.split()) - 70)


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "I;16", "CMYK"])
def test_a_picture_of_any_form_is_described(mode):
    picture = world.render(world.parse("a red boat on a beach"), size=200)
    levels = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    given = Image.fromarray(levels) if mode == "I;16" else picture.convert(mode)
    told = image2text("pocket/blip").generate_text(given, 0)
    assert ("beach" if mode in ("RGBA", "P", "CMYK") else "boat") in told  # without colours a beach looks like a park


def test_settings_and_things_that_were_held_out_are_told():
    """A picture of a pair of kind and colour that no training scene had."""
    scenes = [world.sample("easy", derive("pocket test", i), split="test") for i in range(24)]
    texts = image2text("pocket/blip").generate_texts([world.render(scene) for scene in scenes], [0] * 24)
    assert _kept(scenes, texts, "kind") >= TOLD_KINDS


@pytest.mark.slow
def test_what_is_asked_for_can_be_seen_in_the_drawing():
    scenes = [world.sample("easy", derive("pocket test", i), split="test") for i in range(24)]
    sentences = [world.caption(scene, "en", "plain") for scene in scenes]
    drawn = text2image("pocket/stable-diffusion").generate_images(sentences, list(range(24)))
    texts = image2text("pocket/blip").generate_texts(drawn, [0] * 24)
    assert _kept(scenes, texts, "setting") >= DRAWN_SETTINGS
    assert _kept(scenes, texts, "kind") >= DRAWN_KINDS


TOLD_KINDS, DRAWN_SETTINGS, DRAWN_KINDS = 0.8, 0.9, 0.5
"""Well below what docs/pocket.md reports, so that only a real loss fails."""


def _kept(scenes, texts, attribute):
    asked = sum(atom.attribute == attribute for scene in scenes for atom in world.atoms(scene))
    marks = [world.compare(scene, world.parse(text)) for scene, text in zip(scenes, texts, strict=True)]
    return sum(atom.attribute == attribute for mark in marks for atom in mark.kept) / asked


@pytest.mark.parametrize("ref", DRAWERS)
def test_the_best_of_several_is_one_of_them_and_the_nearest_to_the_text(ref):
    text, judge = "A red apple on a beach.", embedder("pocket/clip")
    best = text2image(f"{ref}?best_of=3").generate_image(text, 11)
    candidates = text2image(ref).generate_images([text] * 3, candidate_seeds(11, 3))
    near = judge.embed_images(candidates) @ judge.embed_texts([text])[0]
    assert encode_png(best) == encode_png(candidates[int(near.argmax())])
    assert text2image(f"{ref}?best_of=3").traits().fingerprint != text2image(ref).traits().fingerprint


def test_the_embedder_gives_unit_vectors_that_tell_pictures_apart():
    judge = embedder("pocket/clip")
    texts = [world.caption(world.sample("easy", i), "en", "plain") for i in range(12)]
    pictures = [world.render(world.sample("easy", i)) for i in range(12)]
    words, images = judge.embed_texts(texts), judge.embed_images(pictures)
    assert words.shape == images.shape == (12, 256)
    assert words.dtype == images.dtype == np.float32
    assert np.allclose(np.linalg.norm(np.concatenate([words, images]), axis=1), 1, atol=1e-5)
    assert ((images @ words.T).argmax(axis=1) == np.arange(12)).mean() >= 0.9
    assert judge.embed_texts([]).shape == judge.embed_images([]).shape == (0, 256)


def test_weighted_texts_are_optimised_and_a_bad_weight_is_told():
    player = text2image("pocket/vqgan-clip?steps=2")
    assert player.generate_image("a red cat | a beach:0.5", 0).size == (64, 64)
    with pytest.raises(ModelError, match="Prompt 2 is empty"):
        player.generate_image("a red cat | ", 0)


def test_a_decoder_of_another_clip_is_refused(tmp_path, monkeypatch):
    from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
    from telephone.nets.clip import Clip, ClipConfig

    config = ClipConfig.from_dict(read_metadata(SHIPPED / "clip.safetensors")[0])
    net = Clip(config)
    read_weights([SHIPPED / "clip.safetensors"], net)
    save_weights(tmp_path / "clip.safetensors", net, config, {"player": "another"})
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match="telephone learn dalle-2"):
        pocket.DallE2().generate_image("a red apple", 0)
