"""Pictures of every sort, as files and in memory, before every pocket describer whose weights are here."""

import io

import numpy as np
import pytest
from PIL import Image

from telephone import world
from telephone.core import images
from telephone.core.errors import ModelError
from telephone.models import image2text, list_models

DESCRIBERS = [card.ref for card in list_models() if card.ref.startswith("pocket/") and card.kind == "image2text"]
BOAT = world.render(world.parse("a big red boat on a beach"), size=200)


def saved(picture, kind, **how):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return Image.open(io.BytesIO(buffer.getvalue()))  # opened as a user would, not decoded yet


def lying():
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(BOAT.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)


def clear():
    """The same picture as it is, with alpha, in a palette, lying on its side, and laid out very wide."""
    wide = BOAT.resize((900, 60))
    return [BOAT, saved(BOAT.convert("RGBA"), "PNG"), saved(BOAT.quantize(64), "GIF"), lying(), wide]


def dim():
    """The picture without its colours: in 16 bits, with numbers from 0 to 1, with alpha, in one bit."""
    grey = np.asarray(BOAT.convert("L"))
    deep, exact = Image.fromarray(grey.astype(np.uint16) * 257), Image.fromarray(grey.astype(np.float32) / 255)
    return [saved(deep, "PNG"), saved(exact, "TIFF"), saved(BOAT.convert("LA"), "PNG"), saved(BOAT.convert("1"), "PNG")]


@pytest.fixture(params=DESCRIBERS)
def describer(request):
    player = image2text(request.param)
    if reason := player.lacks():
        pytest.skip(reason)
    return player


def test_blip_at_least_can_be_asked():
    assert not image2text("pocket/blip").lacks()


def test_a_picture_of_any_sort_is_described(describer):
    told = describer.generate_texts(clear() + dim(), [0] * 9)
    assert len(told) == 9
    assert all(text.strip() for text in told)
    plain, *others = (world.parse(text) for text in told[:5])
    assert sum(other.setting == plain.setting for other in others) >= 3, told


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(describer, monkeypatch):
    opened = saved(BOAT, "PNG")
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    monkeypatch.setattr(opened, "load", lambda: pytest.fail("it was decoded"))
    with pytest.raises(ModelError, match="at most 1,000"):
        describer.generate_text(opened)


def test_a_file_that_is_cut_off_is_told(describer):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)).save(buffer, "PNG")
    with pytest.raises(ModelError, match="save it again"):
        describer.generate_text(Image.open(io.BytesIO(buffer.getvalue()[:9000])))
