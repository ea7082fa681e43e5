"""The editor of `pocket/dalle-2` on the shipped weights: what each operation must leave as it is."""

import numpy as np
import pytest
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.models import image_editor, text2image
from telephone.models.pocket.dalle_2_editor import split_texts

STEPS = "steps=6"


@pytest.fixture(scope="module")
def images():
    scenes = [world.sample("easy", seed, split="test") for seed in range(3)]
    return [world.render(scene, size=64, seed=1) for scene in scenes]


def edit(operation, images, seeds=(1, 2, 3), texts=None, **inputs):
    editor = image_editor(f"pocket/dalle-2?operation={operation}&{STEPS}")
    made = editor.edit_images(images, texts or [""] * len(images), list(seeds)[: len(images)], **inputs)
    return [np.asarray(image).astype(int) for image in made]


def test_eta_0_is_the_reconstruction_and_the_seed_matters_above_it(images):
    plain = edit("reconstruct", images)
    assert all((a == b).all() for a, b in zip(plain, edit("variation&eta=0", images), strict=True))
    one, two = edit("variation&eta=1", images, (1, 2, 3)), edit("variation&eta=1", images, (4, 5, 6))
    assert all(np.abs(a - b).mean() > 1 for a, b in zip(one, two, strict=True))


def test_the_ends_of_an_interpolation_are_the_reconstructions(images):
    ends = edit("reconstruct", images[:2], (1, 1))
    first = edit("interpolate&theta=0", images[:1], (1,), references=images[1:2])
    last = edit("interpolate&theta=1", images[:1], (1,), references=images[1:2])
    assert np.abs(first[0] - ends[0]).max() <= 2
    assert np.abs(last[0] - ends[1]).max() <= 2


def test_a_text_difference_of_equal_texts_is_the_reconstruction(images):
    texts = ["a red apple => a red apple"] * 3
    for way in ("mapped", "rotated"):
        made = edit(f"textdiff&difference={way}", images, texts=texts)
        assert all((a == b).all() for a, b in zip(made, edit("reconstruct", images), strict=True))


def test_an_image_has_the_same_bytes_in_any_batch(images):
    together = edit("variation", images)
    alone = [edit("variation", [image], (seed,))[0] for image, seed in zip(images, (1, 2, 3), strict=True)]
    assert all((a == b).all() for a, b in zip(together, alone, strict=True))


def test_images_of_any_size_and_mode(images):
    odd = [Image.new("L", (5, 90), 30), Image.new("CMYK", (200, 3))]
    assert [made.shape for made in edit("reconstruct", odd)] == [(64, 64, 3)] * 2


def test_what_the_editor_does_not_take_is_refused(images):
    with pytest.raises(UsageError, match="no mask"):
        edit("variation", images, masks=[Image.new("L", (64, 64))] * 3)
    with pytest.raises(UsageError, match="needs a reference"):
        edit("interpolate", images)
    with pytest.raises(UsageError, match="takes no reference"):
        edit("variation", images, references=images)
    for option in ("eta=1.5", "theta=-1", "operation=paint", "prior=zero"):
        with pytest.raises(UsageError):
            image_editor(f"pocket/dalle-2?{option}")


def test_texts_of_a_difference():
    assert split_texts("a cat => a dog") == ("a cat", "a dog")
    assert split_texts("a dog") == ("", "a dog")


def test_the_fingerprint_of_the_drawer_is_that_of_before_the_option_caption():
    plain, without = text2image("pocket/dalle-2"), text2image("pocket/dalle-2?caption=no")
    assert "caption" not in plain._options
    assert plain.traits().fingerprint != without.traits().fingerprint
    for prior in ("zero", "text", "linear"):
        (image,) = text2image(f"pocket/dalle-2?prior={prior}&steps=1").generate_images(["a red apple"], [1])
        assert image.size == (64, 64)
