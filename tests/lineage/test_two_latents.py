"""Reconstruction, variations and interpolation on the shipped weights, with few pictures and steps."""

import pytest
from PIL import Image

from telephone.core.errors import UsageError
from telephone.lineage import between, reconstruct, vary
from telephone.lineage.context import LineageContext
from telephone.lineage.reconstruct import psnr
from telephone.lineage.result import Verdict


@pytest.fixture
def context():
    with LineageContext() as made:
        yield made


def test_psnr():
    black, grey = Image.new("RGB", (32, 32)), Image.new("RGB", (32, 32), (128, 128, 128))
    assert psnr(black, black) == 100
    assert psnr(black, grey) == pytest.approx(5.99, abs=0.01)


@pytest.mark.slow
def test_pictures_are_reconstructed_and_eight_decide(context):
    found = reconstruct.run(context, reconstruct.ReconstructOptions(n=8, steps=20))
    assert found.verdict is Verdict.HOLDS
    assert found.measures[0].n == 8
    assert [len(strip.cells) for strip in found.strips] == [3] * 4


@pytest.mark.slow
def test_variations_of_a_picture_of_ones_own(context, tmp_path):
    Image.new("CMYK", (30, 70)).save(tmp_path / "own.jpg")
    options = vary.VaryOptions(picture=tmp_path / "own.jpg", eta=("0", "1", "0"), steps=4)
    found = vary.run(context, options)
    assert found.verdict is Verdict.UNDECIDED
    assert [cell.title for cell in found.strips[0].cells] == ["picture", "eta 0", "eta 1"]


@pytest.mark.slow
def test_between_two_pictures_and_of_a_picture_with_itself(context, tmp_path):
    (picture,) = context.pictures(context.scenes("easy", 1))
    picture.save(tmp_path / "own.png")
    options = between.BetweenOptions(tmp_path / "own.png", tmp_path / "own.png", theta=("0", "0.5"), steps=4)
    found = between.run(context, options)
    cells = found.strips[0].cells
    assert psnr(cells[1].image, cells[2].image) > 30
    assert len(found.strips) == 2


@pytest.mark.parametrize(
    "options",
    [
        vary.VaryOptions(eta=("1.5",)),
        vary.VaryOptions(eta=("much",)),
        vary.VaryOptions(eta=()),
        vary.VaryOptions(level="simple"),
        vary.VaryOptions(n=0),
        between.BetweenOptions(theta=("-0.1",)),
    ],
)
def test_options_out_of_range(context, options):
    with pytest.raises(UsageError):
        (vary if isinstance(options, vary.VaryOptions) else between).run(context, options)


def test_pictures_that_cannot_be_used(context, tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        reconstruct.run(context, reconstruct.ReconstructOptions(picture=tmp_path / "none.png"))
    (tmp_path / "words.png").write_text("no picture")
    with pytest.raises(UsageError, match="no picture"):
        reconstruct.run(context, reconstruct.ReconstructOptions(picture=tmp_path / "words.png"))
    (tmp_path / "one.png").write_bytes(b"")
    with pytest.raises(UsageError, match="two pictures"):
        between.run(context, between.BetweenOptions(picture=tmp_path / "one.png"))
