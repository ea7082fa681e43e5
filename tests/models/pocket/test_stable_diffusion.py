"""The editor of `pocket/stable-diffusion` with tiny random nets: bytes in any batch, masks, strengths, bad input."""

import numpy as np
import pytest
from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.images import encode_png
from telephone.models import image_editor
from telephone.models.pocket.stable_diffusion import StableDiffusionEditor

TEXTS = ["a red apple on a beach", "a blue cat", "a yellow cat", "", "雪"]


@pytest.fixture
def learned(tmp_path, monkeypatch):
    import torch

    from telephone.nets.stable_diffusion import (
        AutoencoderConfig,
        LatentDiffusion,
        LatentDiffusionConfig,
        TextEncoderConfig,
        UNetConfig,
    )

    torch.manual_seed(0)
    net = LatentDiffusion(
        LatentDiffusionConfig(
            AutoencoderConfig(latent_channels=4, encoder_width=8, decoder_width=16),
            TextEncoderConfig(words=("a", "red", "apple", "blue", "cat"), width=16, layers=1, heads=2),
            UNetConfig(4, 16, 2, (16, 16), heads=2, expand=(1, 1), context_width=16, time_width=16),
        )
    ).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    monkeypatch.setattr("telephone.models.pocket.stable_diffusion.StableDiffusion._net", net)
    monkeypatch.setattr("telephone.models.pocket.stable_diffusion.StableDiffusion._text_config", net.config.text)


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


def test_an_edit_has_the_same_bytes_in_any_batch(learned, images):
    editor = StableDiffusionEditor(steps=4)
    together = the_bytes(editor.edit_images(images, TEXTS, [1, 2, 3, 4, 5]))
    for number, image in enumerate(images):
        assert the_bytes(editor.edit_images([image], [TEXTS[number]], [number + 1])) == [together[number]]


def test_pixels_outside_a_mask_are_equal_at_any_size(learned):
    image, mask = Image.effect_noise((150, 90), 80).convert("RGB"), cover((150, 90), (20, 30, 80, 60))
    (made,) = StableDiffusionEditor(steps=2).edit_images([image], ["a cat"], [1], [mask])
    before, after, inside = np.asarray(image), np.asarray(made), np.asarray(mask) > 0
    assert made.size == (150, 90)
    assert (before[~inside] == after[~inside]).all()
    assert (before[inside] != after[inside]).any()


def test_a_black_mask_leaves_the_image_and_a_white_one_is_none(learned, images):
    editor, size = StableDiffusionEditor(steps=2), (64, 64)
    assert the_bytes(editor.edit_images(images[:1], ["a cat"], [1], [Image.new("L", size)])) == the_bytes(images[:1])
    white = editor.edit_images(images[:1], ["a cat"], [1], [Image.new("L", size, 255)])
    assert the_bytes(white) == the_bytes(editor.edit_images(images[:1], ["a cat"], [1]))


def test_strength_of_the_call_replaces_that_of_the_editor(learned, images):
    edits = [StableDiffusionEditor(strength=s, steps=4).edit_images(images[:1], ["a cat"], [1]) for s in (0.2, 0.9)]
    assert the_bytes(edits[0]) != the_bytes(edits[1])
    called = StableDiffusionEditor(steps=4).edit_images(images[:1], ["a cat"], [1], strength=0.2)
    assert the_bytes(called) == the_bytes(edits[0])


def test_what_the_editor_does_not_take_is_refused(learned, images):
    with pytest.raises(UsageError, match="no references"):
        StableDiffusionEditor().edit_images(images[:1], [""], references=images[:1])
    with pytest.raises(UsageError, match="out of range"):
        StableDiffusionEditor().edit_images(images[:1], [""], strength=1.5)
    for option in ("steps=0", "strength=2", "best_of=2"):
        with pytest.raises(UsageError, match=option.split("=")[0]):
            image_editor(f"pocket/stable-diffusion?{option}")
