"""`pocket/dalle-1` with tiny random nets: bytes in any batch, completions, masks, reconstruction, missing weights."""

import numpy as np
import pytest
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError, WeightsError
from telephone.core.images import content_hash, encode_png
from telephone.models import image_editor, text2image
from telephone.models.pocket import weights
from telephone.models.pocket.dalle_1 import Dalle1Editor, PocketDalle1

TEXTS = ["a red apple on a beach", "two small blue boats at night, neon", "a yellow cat", "", "雪"]


def write_nets(folder, reads=None):
    import torch

    from telephone.nets.checkpoint import save_weights
    from telephone.nets.dalle_1 import BytePairConfig, Dalle1, Dalle1Config
    from telephone.nets.dvae import Dvae, DvaeConfig

    torch.manual_seed(0)
    dvae = Dvae(DvaeConfig(codes=32, channels=8, encoder_width=8, decoder_width=8, blocks=1))
    save_weights(folder / "dvae.safetensors", dvae, dvae.config, {})
    net = Dalle1(Dalle1Config(BytePairConfig(((97, 32),), 12), codes=32, width=16, heads=2, layers=2))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(3)
    save_weights(folder / "dalle-1.safetensors", net, net.config, {"reads": reads or {}}, bits=8)


@pytest.fixture
def learned(tmp_path, monkeypatch):
    write_nets(tmp_path)
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def images():
    scenes = [world.sample("easy", seed, split="test") for seed in range(5)]
    return [world.render(scene, size=64, seed=1) for scene in scenes]


def the_bytes(images):
    return [encode_png(image) for image in images]


def test_a_seed_gives_the_same_bytes_in_any_batch(learned):
    model = PocketDalle1()
    together = the_bytes(model.generate_images(TEXTS, [1, 2, 3, 4, 5]))
    alone = [model.generate_image(text, seed) for text, seed in zip(TEXTS, range(1, 6), strict=True)]
    assert the_bytes(alone) == together
    assert the_bytes([model.generate_image(TEXTS[0], 6)])[0] != together[0]
    assert len(set(together)) == 5


def test_every_option_changes_the_image_and_the_fingerprint(learned):
    models = [PocketDalle1(), PocketDalle1(temperature=0.0), PocketDalle1(temperature=3.0), PocketDalle1(top_k=2)]
    assert len({model.traits().fingerprint for model in models}) == len(models)
    assert len(set(the_bytes(model.generate_image(TEXTS[0], 1) for model in models))) == len(models)


def test_words_that_do_not_fit_are_counted(learned):
    assert PocketDalle1().count_cut("abc def ghi jkl mno") == 2
    assert PocketDalle1().count_cut("abc") == 0


def test_a_completion_keeps_the_given_rows_and_the_codes_below_follow_the_text(learned, images):
    made = image_editor("pocket/dalle-1?rows=6").edit_images(images, TEXTS, [1, 2, 3, 4, 5])
    for before, after in zip(images, made, strict=True):
        before, after = np.asarray(before), np.asarray(after)
        assert (before[:24] == after[:24]).all()
        assert (before[24:] != after[24:]).any()
    others = image_editor("pocket/dalle-1?rows=6").edit_images(images, TEXTS[::-1], [1, 2, 3, 4, 5])
    assert the_bytes(others)[0] != the_bytes(made)[0]


def test_without_given_rows_it_draws_what_the_drawer_draws(learned, images):
    made = Dalle1Editor(rows=0).edit_images(images, TEXTS, [1, 2, 3, 4, 5])
    assert the_bytes(made) == the_bytes(PocketDalle1().generate_images(TEXTS, [1, 2, 3, 4, 5]))


def test_all_rows_given_is_the_image(learned, images):
    assert the_bytes(Dalle1Editor(rows=16).edit_images(images[:1], ["a cat"])) == the_bytes(images[:1])


def test_a_completion_has_the_same_bytes_in_any_batch(learned, images):
    editor, masks = Dalle1Editor(), [band(64, top) for top in (0, 40, 40, 13, 63)]
    together = the_bytes(editor.edit_images(images, TEXTS, [1, 2, 3, 4, 5], masks))
    for number, image in enumerate(images):
        alone = editor.edit_images([image], [TEXTS[number]], [number + 1], [masks[number]])
        assert the_bytes(alone) == [together[number]]


def band(side, top):
    """Returns a mask that is white below a line, without the left quarter."""
    mask = np.zeros((side, side), np.uint8)
    mask[top:, side // 4 :] = 255
    return Image.fromarray(mask)


def test_pixels_outside_a_mask_stay_at_any_size(learned):
    image = Image.effect_noise((150, 90), 80).convert("RGB")
    cover = np.zeros((90, 150), np.uint8)
    cover[30:60, 20:80] = 255
    (made,) = Dalle1Editor().edit_images([image], ["a boat"], [1], [Image.fromarray(cover)])
    before, after = np.asarray(image), np.asarray(made)
    assert (before[cover == 0] == after[cover == 0]).all()
    assert (before[cover == 255] != after[cover == 255]).mean() > 0.5


def test_a_black_mask_leaves_the_image(learned, images):
    black = Image.new("L", (64, 64))
    assert the_bytes(Dalle1Editor().edit_images(images[:1], ["a cat"], [1], [black])) == the_bytes(images[:1])


def test_a_reconstruction_is_that_of_the_dvae(learned, images):
    editor = image_editor("pocket/dalle-1?operation=reconstruct")
    made = editor.edit_images([*images, Image.new("L", (5, 90), 30)], [""] * 6)
    assert [image.size for image in made] == [(64, 64)] * 6
    assert the_bytes(editor.edit_images(images[2:3], ["other"], [9])) == the_bytes(made[2:3])


def test_what_the_editor_does_not_take_is_refused(learned, images):
    with pytest.raises(UsageError, match="no strength"):
        Dalle1Editor().edit_images(images[:1], [""], strength=0.5)
    with pytest.raises(UsageError, match="no mask"):
        Dalle1Editor("reconstruct").edit_images(images[:1], [""], masks=[band(64, 3)])
    for option in ("rows=17", "rows=-1", "temperature=-1", "operation=draw", "best_of=2"):
        with pytest.raises(UsageError, match=option.split("=")[0]):
            image_editor(f"pocket/dalle-1?{option}")


def test_weights_of_another_dvae_are_refused(tmp_path, monkeypatch):
    write_nets(tmp_path, {"dvae": content_hash(b"another")})
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match=r"trained with another file than .*dvae"):
        PocketDalle1().generate_image("a cat", 0)


def test_without_weights_the_model_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    monkeypatch.setattr(weights, "shipped_folder", lambda: tmp_path)
    assert "`telephone learn dalle-1`" in text2image("pocket/dalle-1").lacks()
    assert "`telephone learn dvae`" in image_editor("pocket/dalle-1?operation=reconstruct").lacks()
