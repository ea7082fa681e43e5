"""`pocket/vqgan-clip` by optimisation: frames, starts, the editor, and what it refuses."""

import numpy as np
import pytest
from PIL import Image

from telephone import world
from telephone.core.errors import ModelError, UsageError
from telephone.core.images import encode_png
from telephone.models import image_editor, text2image
from telephone.models.pocket.vqgan_clip import frames_of, in_a_row

TEXT = "a red apple on a beach | snow:-0.3"
QUICK = "steps=4&views=1"


def the_bytes(images):
    return [encode_png(image) for image in images]


def test_a_row_is_taken_apart_again():
    images = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "white")]
    assert in_a_row(images).size == (24, 8)
    assert the_bytes(frames_of(in_a_row(images))) == the_bytes(images)


@pytest.mark.parametrize("start", ["codes", "feed-forward"])
def test_frames_are_those_of_the_film_and_end_with_the_image(start):
    address = f"pocket/vqgan-clip?{QUICK}&start={start}"
    (row,) = text2image(f"{address}&frames=2").generate_images([TEXT], [7])
    frames = frames_of(row)
    assert len(frames) == 3
    plain = text2image(address)
    assert the_bytes([frames[-1]]) == the_bytes(plain.generate_images([TEXT], [7]))
    every = plain.film(TEXT, 7)
    assert len(every) == 5
    assert the_bytes(frames) == the_bytes([every[0], every[2], every[4]])
    if start == "feed-forward":  # the first prompt's image, as the VQGAN reconstructs it
        drawn = text2image("pocket/vqgan-clip").generate_image("a red apple on a beach", 7)
        apart = np.abs(np.asarray(drawn, np.int16) - np.asarray(frames[0], np.int16)).mean()
        assert apart < 20


def test_an_optimised_image_has_the_same_bytes_in_any_batch():
    model = text2image(f"pocket/vqgan-clip?{QUICK}&start=codes")
    together = the_bytes(model.generate_images([TEXT, "a cat", TEXT], [1, 2, 3]))
    assert together[1:2] == the_bytes(model.generate_images(["a cat"], [2]))
    assert together[0] != together[2]


def test_options_at_their_defaults_keep_the_fingerprint():
    plain = text2image("pocket/vqgan-clip?steps=4").traits().fingerprint
    assert text2image("pocket/vqgan-clip?steps=4&views=8&frames=0").traits().fingerprint == plain
    assert text2image("pocket/vqgan-clip?steps=4&views=2").traits().fingerprint != plain


def test_the_editor_starts_from_the_image_and_goes_towards_text_and_reference():
    first = world.render(world.parse("a red apple on a beach"))
    other = world.render(world.parse("a blue boat in space"))
    editor = image_editor("pocket/vqgan-clip?steps=3&views=1&frames=1")
    (text_only,) = editor.edit_images([first], ["a cat"], [5])
    start, end = frames_of(text_only)
    apart = np.abs(np.asarray(start, np.int16) - np.asarray(first, np.int16)).mean()
    assert apart < 20
    assert the_bytes([start]) != the_bytes([end])
    both = editor.edit_images([first] * 2, ["a cat", ""], [5, 5], references=[other, other])
    assert len({*the_bytes([text_only]), *the_bytes(both)}) == 3
    assert the_bytes(editor.edit_images([first], [""], [5], references=[other])) == the_bytes(both[1:])


def test_what_cannot_be_done_is_said():
    image = Image.new("RGB", (64, 64))
    editor = image_editor("pocket/vqgan-clip?steps=1&views=1")
    for given in ({"masks": [image.convert("L")]}, {"strength": 0.5}):
        with pytest.raises(UsageError, match="takes no mask and no strength"):
            editor.edit_images([image], ["a cat"], [0], **given)
    with pytest.raises(ModelError, match="Prompt 1 is empty"):
        editor.edit_images([image], [" "], [0])
    with pytest.raises(UsageError, match="3 frames need at least as many steps"):
        text2image("pocket/vqgan-clip?steps=2&frames=3")
    with pytest.raises(UsageError, match="best_of ranks single images"):
        text2image("pocket/vqgan-clip?steps=2&frames=1&best_of=2")
    with pytest.raises(UsageError, match="A film needs an optimisation"):
        text2image("pocket/vqgan-clip").film("a cat", 0)


def test_with_no_steps_an_image_comes_back_through_its_codes():
    from telephone import world
    from telephone.lineage.reconstruct import psnr

    images = [world.render(world.sample("easy", seed, split="test"), size=64, seed=1) for seed in range(3)]
    editor = image_editor("pocket/vqgan-clip?steps=0")
    made = editor.edit_images(images, [""] * 3, [1, 2, 3])
    assert all(psnr(before, after, 64) > 20 for before, after in zip(images, made, strict=True))
    assert editor.edit_images(images[1:2], ["any text"], [9])[0].tobytes() == made[1].tobytes()
