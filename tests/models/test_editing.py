"""Image editors: their inputs, calls in batches, addresses that draw and edit, and stored calls."""

import numpy as np
import pytest
from PIL import Image

from telephone.core.errors import ModelError, UsageError
from telephone.lineage.context import LineageContext
from telephone.models import (
    Catalogue,
    Edit,
    Entry,
    ImageEditor,
    IncompleteModel,
    Registry,
    Text2Image,
    Traits,
    edit_outputs,
    kind_of,
    number,
)
from telephone.models.editing import check_strength, paste_known, prepare_mask


class Brighten(ImageEditor):
    """Adds the length of the text, times the strength, inside the mask; notes the inputs of each call."""

    def __init__(self, step: float = 1.0):
        self.step, self.calls = step, []

    def edit_images(self, images, texts, seeds=None, masks=None, strength=None, references=None):
        self.calls.append((len(images), masks is not None, strength, references is not None))
        made = []
        for number_, (image, text) in enumerate(zip(images, texts, strict=True)):
            if text == "fail":
                made.append(ModelError("It fails."))
                continue
            pixels = np.asarray(image).astype(int) + round(self.step * len(text) * (strength or 1))
            edited = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            made.append(edited if masks is None else paste_known(edited, image, masks[number_]))
        return made

    def traits(self):
        return Traits(f"brighten {self.step}", batch_size=4, seeds=True, price=0.0)


def grey(level=100, size=(4, 4)):
    return Image.new("RGB", size, (level, level, level))


def half_mask(size=(4, 4)):
    mask = Image.new("L", size, 0)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    return mask


def test_an_editor_without_its_method_is_incomplete():
    class Empty(ImageEditor):
        pass

    assert kind_of(Empty()) == "image_editor"
    with pytest.raises(IncompleteModel, match="edit_images"):
        Empty().edit_images([grey()], [""])


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "P"])
def test_masks_of_any_mode_are_black_and_white(mode):
    mask = half_mask().convert(mode)
    assert prepare_mask(mask, (4, 4)).tobytes() == half_mask().tobytes()


def test_masks_of_another_size_and_strengths_out_of_range_are_refused():
    with pytest.raises(UsageError, match="4 x 4 pixels and the image 5 x 4"):
        prepare_mask(half_mask(), (5, 4))
    for strength in (0, -1, 1.5, float("nan")):
        with pytest.raises(UsageError, match="strength"):
            check_strength(strength)


def test_outside_the_mask_every_byte_stays():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (4, 4, 3), dtype=np.uint8))
    made = np.asarray(paste_known(grey(7, (9, 9)), image, half_mask()))
    assert (made[:, 2:] == np.asarray(image)[:, 2:]).all()
    assert (made[:, :2] == 7).all()
    black, white = Image.new("L", (4, 4), 0), Image.new("L", (4, 4), 255)
    assert paste_known(grey(7), image, black).tobytes() == image.tobytes()
    assert paste_known(grey(7), image, white).tobytes() == grey(7).tobytes()


def test_edits_of_different_inputs_become_calls_of_their_own_in_order():
    model = Brighten()
    edits = [
        Edit(grey(10), "aa"),
        Edit(grey(20), "aa", mask=half_mask()),
        Edit(grey(30), "fail"),
        Edit(grey(40).convert("RGBA"), "aa", strength=0.5),
        Edit(grey(50), "aaa", reference=grey()),
    ]
    made = [each.value for each in edit_outputs(model, edits, range(5))]
    assert isinstance(made[2], ModelError)
    assert [np.asarray(made[at])[0, 0, 0] for at in (0, 1, 3, 4)] == [12, 22, 41, 53]
    assert np.asarray(made[1])[0, 3, 0] == 20
    assert sorted(count for count, *_ in model.calls) == [1, 1, 1, 2]


class Drawer(Text2Image):
    def generate_image(self, text):
        return grey(len(text))


def test_one_address_draws_and_edits_with_options_of_each(monkeypatch):
    entry = Entry("text2image", "draws and edits", Drawer, {}, editor=Brighten, editor_options={"step": number(0, 9)})
    catalogue = Catalogue("own", {"both": entry, "drawer": Entry("text2image", "draws", Drawer)})
    registry = Registry()
    monkeypatch.setattr(Registry, "_points", lambda self: {"own": []})
    monkeypatch.setattr(Registry, "_provider", lambda self, name: catalogue)
    assert isinstance(registry.text2image("own/both"), Drawer)
    editor = registry.image_editor("own/both?step=3")
    assert (editor.step, editor.ref) == (3, "own/both?step=3")
    assert registry.image_editor("own/both?step=3") is editor
    assert [card.kind for card in catalogue.cards()] == ["text2image", "text2image", "image_editor"]
    with pytest.raises(UsageError, match="no option 'size'"):
        registry.image_editor("own/both?size=3")
    with pytest.raises(UsageError, match="is a text-to-image model, not an image editor"):
        registry.image_editor("own/drawer")


def test_edits_are_stored_calls_and_are_made_once(tmp_path):
    model = Brighten()
    images, texts = [grey(level) for level in (10, 20, 30)], ["a", "bb", "ccc"]

    def work(context):
        plain = context.edit("own/editor", images, texts, [1, 2, 3])
        masked = context.edit("own/editor", images, texts, [1, 2, 3], masks=[half_mask()] * 3, strength=0.5)
        return [image.tobytes() for image in plain + masked]

    with LineageContext(tmp_path / "run", load=lambda ref, kind: model) as context:
        first = work(context)
        assert context._run.verify() == []
    calls = len(model.calls)
    with LineageContext(tmp_path / "run", load=lambda ref, kind: model) as context:
        assert work(context) == first
    assert len(model.calls) == calls
    with LineageContext(load=lambda ref, kind: model) as context:
        assert work(context) == first
        with pytest.raises(UsageError, match="one of each input"):
            context.edit("own/editor", images, texts[:2], [1, 2, 3])
