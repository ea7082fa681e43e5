"""`pocket/glide` with tiny random nets: bytes in any batch, masks of any kind, options, missing weights."""

import numpy as np
import pytest
from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.images import encode_png
from telephone.models import image_editor, text2image
from telephone.models.pocket import weights
from telephone.models.pocket.glide import GlideEditor, PocketGlide

TEXTS = ["a red apple on a beach", "two small blue boats at night, neon", "a yellow cat", "", "雪"]


@pytest.fixture
def learned(tmp_path, monkeypatch):
    import torch

    from telephone.nets.checkpoint import save_weights
    from telephone.nets.dalle_2_upsampler import UpsamplerConfig
    from telephone.nets.glide import Glide, GlideConfig
    from telephone.nets.stable_diffusion import TextEncoderConfig, UNetConfig

    torch.manual_seed(0)
    text = TextEncoderConfig(words=("a", "red", "apple", "blue", "cat"), width=16, layers=1, heads=2)
    unet = UNetConfig(3, 32, 4, (16, 16), heads=2, expand=(1, 1), context_width=16, time_width=16)
    net = Glide(GlideConfig(text, unet, UpsamplerConfig((8, 8), 16)))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    save_weights(tmp_path / "glide.safetensors", net, net.config, {}, bits=8)
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)) for _ in range(5)]


def the_bytes(images):
    return [encode_png(image) for image in images]


def cover(size, box):
    """Returns a mask that is white in a box."""
    mask = Image.new("L", size)
    mask.paste(255, box)
    return mask


def test_a_seed_gives_the_same_bytes_in_any_batch(learned):
    model = PocketGlide(steps=2)
    together = the_bytes(model.generate_images(TEXTS, [1, 2, 3, 4, 5]))
    alone = [model.generate_image(text, seed) for text, seed in zip(TEXTS, range(1, 6), strict=True)]
    assert the_bytes(alone) == together
    assert len(set(together)) == 5


def test_every_option_changes_the_image_and_the_fingerprint(learned):
    options = ({}, {"steps": 3}, {"guidance": 5.0}, {"solver": "ddim"}, {"eta": 0.5})
    models = [PocketGlide(**{"steps": 4} | option) for option in options]
    assert len({model.traits().fingerprint for model in models}) == len(models)
    assert len(set(the_bytes(model.generate_image(TEXTS[0], 1) for model in models))) == len(models)


def test_pixels_outside_a_mask_are_equal(learned, images):
    masks = [cover((64, 64), box) for box in ((0, 0, 20, 20), (10, 5, 64, 64), (31, 31, 32, 32), (0, 40, 64, 41))]
    made = GlideEditor(steps=2).edit_images(images[:4], TEXTS[:4], [1, 2, 3, 4], masks)
    for before, after, mask in zip(images, made, masks, strict=False):
        before, after, inside = np.asarray(before), np.asarray(after), np.asarray(mask) > 0
        assert (before[~inside] == after[~inside]).all()
        assert (before[inside] != after[inside]).any()


def test_an_edit_has_the_same_bytes_in_any_batch(learned, images):
    editor, masks = GlideEditor(steps=2), [cover((64, 64), (10 * n, 0, 64, 40)) for n in range(5)]
    together = the_bytes(editor.edit_images(images, TEXTS, [1, 2, 3, 4, 5], masks))
    for number, image in enumerate(images):
        alone = editor.edit_images([image], [TEXTS[number]], [number + 1], [masks[number]])
        assert the_bytes(alone) == [together[number]]


def test_a_black_mask_leaves_the_image_and_a_white_one_draws_everything(learned, images):
    editor = GlideEditor(steps=2)
    black, white = Image.new("L", (64, 64)), Image.new("L", (64, 64), 255)
    assert the_bytes(editor.edit_images(images[:1], ["a cat"], [1], [black])) == the_bytes(images[:1])
    drawn = editor.edit_images(images[:1], ["a cat"], [1], [white])
    assert the_bytes(drawn) == the_bytes(editor.edit_images(images[1:2], ["a cat"], [1], [white]))
    assert the_bytes(drawn) == the_bytes([PocketGlide(steps=2).generate_image("a cat", 1)])


def test_images_of_any_size_keep_it(learned):
    image = Image.effect_noise((150, 90), 80).convert("RGB")
    mask = cover((150, 90), (20, 30, 80, 60))
    (made,) = GlideEditor(steps=2).edit_images([image], ["a boat"], [1], [mask])
    inside = np.asarray(mask) > 0
    assert made.size == (150, 90)
    assert (np.asarray(image)[~inside] == np.asarray(made)[~inside]).all()


def test_what_the_editor_does_not_take_is_refused(learned, images):
    with pytest.raises(UsageError, match="needs a mask"):
        GlideEditor().edit_images(images[:1], [""])
    with pytest.raises(UsageError, match="no strength"):
        GlideEditor().edit_images(images[:1], [""], strength=0.5, masks=[cover((64, 64), (0, 0, 9, 9))])
    for option in ("steps=0", "guidance=-1", "best_of=2"):
        with pytest.raises(UsageError, match=option.split("=")[0]):
            image_editor(f"pocket/glide?{option}")


def test_without_weights_the_model_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    monkeypatch.setattr(weights, "shipped_folder", lambda: tmp_path)
    assert "`telephone learn glide`" in text2image("pocket/glide").lacks()
    assert "`telephone learn glide`" in image_editor("pocket/glide").lacks()
