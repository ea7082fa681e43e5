"""Typographic attack: labels, words of other kinds, a model that reads words and one that does not, dose curves."""

import numpy as np
import pytest
from PIL import Image

from telephone import world
from telephone.core.errors import UnknownModel, UsageError
from telephone.lineage import attack, bind, causes
from telephone.lineage.attack import AttackOptions, attack_outcome, attack_set, free_edge, with_label
from telephone.lineage.causes import CausesOptions, variant
from telephone.lineage.context import LineageContext, load_by_kind
from telephone.lineage.result import Verdict
from telephone.lineage.table_curves import curve_tables
from telephone.models import Embedder, Traits
from telephone.world.lettering import letter_mask
from telephone.world.scene import KINDS


class LetterReader(Embedder):
    """Names a picture by the word on it; a picture without one by the first kind. `readable` is the share it reads."""

    def __init__(self, readable=1.0):
        self.readable = readable
        self.masks = [np.where(letter_mask(kind), 0, 255) for kind in KINDS]

    def embed_texts(self, texts):
        found = [[kind in text.lower().strip(".").split() for kind in KINDS] for text in texts]
        return np.array([[*map(float, row), 0.1] for row in found], np.float32)

    def embed_images(self, images):
        return np.array([self._row(np.asarray(image)) for image in images], np.float32)

    def _row(self, pixels):
        seen = [any(self._has(pixels, mask, edge) for edge in (0, 55)) for mask in self.masks]
        reads = int(pixels[20:40].astype(int).sum()) % 100 < 100 * self.readable
        row = np.array(seen, float) if any(seen) and reads else np.eye(len(KINDS))[0]
        return [*row, 0.1]

    def _has(self, pixels, mask, top):
        left = (64 - mask.shape[1]) // 2
        return (pixels[top : top + 9, left : left + mask.shape[1]] == mask[..., None]).all()

    def traits(self):
        return Traits(f"letter reader {self.readable}", price=0.0)


def load(ref, kind):
    if ref == "own/reader":
        return LetterReader()
    if ref.startswith("own/causes?net=letters-"):
        return LetterReader(int(ref.rpartition("-")[2]) / 20)
    if ref.startswith("own/causes?net="):
        return load_by_kind("pocket/clip", kind)
    return load_by_kind(ref, kind)


def test_a_label_changes_its_own_place_alone_and_a_blank_one_has_its_size():
    image = world.render(world.parse("a red apple on a beach"), size=64)
    made = with_label(image, "boat", True), with_label(image, "boat", True, blank=True)
    plain, printed, blank = map(np.asarray, (image, *made))
    assert (printed[:55] == plain[:55]).all()
    assert (blank[:55] == plain[:55]).all()
    assert (blank[55:, 20:44] == 255).all()
    left = (64 - letter_mask("boat").shape[1]) // 2
    assert ((printed[55:, left : left + 25, 0] == 0) == letter_mask("boat")).all()
    assert (np.asarray(with_label(image, "boat", False))[9:] == plain[9:]).all()


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_pictures_of_any_size_and_mode(mode):
    made = with_label(Image.new(mode, (200, 130)), "cat", True)
    assert (made.mode, made.size) == ("RGB", (200, 130))
    ink = np.asarray(made)[-18:, :, 0] == 255
    assert ink[:, 100 - 19 : 100 + 19].any()


def test_words_that_cannot_be_printed():
    image = Image.new("RGB", (64, 64))
    for word in ("", "\u82f9\u679c", "a1", "a very long sentence"):
        with pytest.raises(UsageError):
            with_label(image, word, True)
    with pytest.raises(UsageError, match="shorter"):
        with_label(Image.new("RGB", (10, 5)), "cat", True)


def test_every_word_is_another_kind_and_lies_away_from_the_thing():
    given = attack_set(LineageContext(), 40, held_out=True)
    assert all(word != kind for word, kind in zip(given.words, given.kinds, strict=True))
    assert given.words[:4] == attack_set(LineageContext(), 4, held_out=True).words
    assert free_edge(world.parse("a red bird at the top"))
    assert not free_edge(world.parse("a red apple on the left"))


def test_a_reader_of_letters_is_attacked_and_a_blank_label_is_no_word():
    context = LineageContext(load=load)
    given = attack_set(context, 24, held_out=False)
    found = attack_outcome(context, "own/reader", given, KINDS)
    assert found.word["printed"].mean() == 1
    assert found.word["blank"].mean() < 0.2
    result = attack.run(context, AttackOptions(n=24, model="own/reader"))
    assert result.verdict is Verdict.HOLDS


def test_the_shipped_clip_does_not_read():
    result = attack.run(LineageContext(), AttackOptions(n=48))
    assert result.verdict is Verdict.FAILS
    by_name = {each.name: each.value for each in result.measures}
    assert by_name["named by the word, printed word"] < 0.1


def test_a_picture_and_a_word_of_ones_own(tmp_path):
    Image.new("L", (90, 150), 120).save(tmp_path / "a.png")
    result = attack.run(LineageContext(), AttackOptions(picture=tmp_path / "a.png", word="Apple"))
    assert result.verdict is Verdict.UNDECIDED
    assert [cell.title for cell in result.strips[0].cells] == ["no label", "blank label", "printed word"]
    for options in (
        AttackOptions(picture=tmp_path / "a.png"), AttackOptions(picture=tmp_path / "b.png", word="cat"),
        AttackOptions(word="  "), AttackOptions(word="x-y"), AttackOptions(n=0),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            attack.run(LineageContext(), options)


def test_dose_curves_rise_with_what_the_variants_read():
    result = causes.run(LineageContext(load=load), CausesOptions(n=32, model="own/causes"))
    rows = result.tables["Share of pictures named by the word or the thing"]
    named = {row["words in training, %"]: row["share"] for row in rows if row["named"] == "the word, printed"}
    assert list(named) == [0, 1, 5, 20]
    assert named[0] < 0.1
    assert named[0] <= named[1] <= named[5] < named[20] == 1
    assert result.verdict is Verdict.HOLDS
    assert len(curve_tables("Share of pictures named by the word or the thing", rows)) == 1
    binding = result.tables["Binding"]
    assert {row["trained"] for row in binding} == {"without hard negatives", "with hard negatives"}
    assert {row["swapped"] for row in binding} == set(bind.SWAPS)


def test_variants_that_are_not_installed_are_named():
    def lacking(ref, kind):
        if ref.startswith("own/nothing"):
            raise UnknownModel(f"There is no {ref}.")
        return load_by_kind(ref, kind)

    result = causes.run(LineageContext(load=lacking), CausesOptions(model="own/nothing"))
    assert result.verdict is Verdict.IMPOSSIBLE
    assert "own/nothing" in result.reason
    assert variant("a/b?c=1", "x") == "a/b?c=1&net=x"
