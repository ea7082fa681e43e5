import subprocess
import sys
from pathlib import Path

import pytest

from telephone import models
from telephone.core.errors import UnknownModel, UsageError
from telephone.models import Image2Text, Registry, Text2Image, generate_images, parse_ref

PLUGIN = """
from telephone.models import Catalogue, Entry, Text2Image, integer

class Dots(Text2Image):
    def __init__(self, number=1):
        self.number = number

    def generate_image(self, text):
        import numpy as np
        return np.full((8, 8, 3), self.number, dtype="uint8")

provider = Catalogue("dots", {"plain": Entry("text2image", "dots", Dots, {"number": integer(0, 255)})})
"""


@pytest.fixture(params=["telephone.models", "telephone.players"])
def group(request: pytest.FixtureRequest) -> str:
    """The entry-point group, and its former name."""
    return request.param


@pytest.fixture
def plugin(group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry that sees two third-party packages, one of which cannot be imported."""
    (tmp_path / "dots_plugin.py").write_text(PLUGIN)
    (tmp_path / "sad_plugin.py").write_text("raise RuntimeError('the moon is wrong')\n")
    for package in ("dots", "sad"):
        info = tmp_path / f"{package}_plugin-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}-plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{package} = {package}_plugin:provider\n")
    monkeypatch.syspath_prepend(tmp_path)
    return Registry()


def test_the_fakes_come_through_the_same_door_as_everyone():
    assert isinstance(models.text2image("fake/painter"), Text2Image)
    assert isinstance(models.image2text("fake/captioner"), Image2Text)
    assert models.embedder("fake/embedder").embed_texts(["a b"]).shape == (1, 256)
    refs = {card.ref: card.kind for card in models.list_models()}
    assert refs["fake/painter"] == "text2image"
    assert refs["minilm/all-MiniLM-L6-v2"] == refs["use/multilingual"] == "embedder"
    assert refs["oracle/renderer"] == "text2image"


def test_one_player_per_process_and_address_however_it_is_written():
    first = models.text2image("fake/painter?loss=0.5&size=32")
    assert models.text2image("fake/painter?size=32&loss=0.5") is first
    assert models.text2image("fake/painter?size=32") is not first
    assert first.ref == "fake/painter?loss=0.5&size=32"
    assert models.load_model(first.ref) is first


@pytest.mark.parametrize(
    ("ref", "error", "says"),
    [
        ("fake/paintr", UnknownModel, "Did you mean fake/painter?"),
        ("fak/painter", UnknownModel, "There is no provider 'fak'. Did you mean fake?"),
        ("painter", UnknownModel, "Did you mean fake/painter?"),
        ("zzzzzz/qqqqqq", UnknownModel, "The models are: "),
        ("", UnknownModel, "There is no model ''."),
        ("fake/", UnknownModel, "There is no model 'fake'."),
        ("fake/captioner", UsageError, "fake/captioner is an image-to-text model, not a text-to-image model"),
        ("fake/embedder", UsageError, "fake/embedder is an embedder, not a text-to-image model"),
        ("fake/painter?los=1", UsageError, "no option 'los'; its options are: batch, concurrency"),
        (
            "fake/painter?loss=2",
            UsageError,
            "loss=2 of fake/painter cannot be used: give a number from 0 to 1.",
        ),
        ("fake/painter?loss=nan", UsageError, "give a number from 0 to 1"),
        ("fake/painter?batch=x", UsageError, "give a whole number from 1 to 4096"),
        ("fake/painter?size=65", UsageError, "give a multiple of 8"),
        ("fake/broken?how=up", UsageError, "give one of: raise, refuse"),
        ("fake/painter?loss", UsageError, "write them as ?name=value"),
        ("fake/painter?loss=0&loss=1", UsageError, "is given twice"),
    ],
)
def test_a_wrong_address_is_told_with_what_to_do(ref, error, says):
    with pytest.raises(error) as caught:
        models.text2image(ref)
    assert says in str(caught.value)


def test_an_image_is_not_described_by_a_painter():
    with pytest.raises(UsageError, match="not an image-to-text model: load it with text2image"):
        models.image2text("fake/painter")
    with pytest.raises(UsageError, match="fake/painter is a text-to-image model, not an embedder"):
        models.embedder("fake/painter")


def test_a_package_of_somebody_elses_is_found(plugin: Registry):
    player = plugin.text2image("dots/plain?number=7")
    (image,) = generate_images(player, ["x"], [1])
    assert image.getpixel((0, 0)) == (7, 7, 7)
    assert "dots/plain" in [card.ref for card in plugin.cards()]


def test_a_package_that_cannot_be_imported_breaks_nobody_else(plugin: Registry):
    assert plugin.text2image("fake/painter")
    assert "the moon is wrong" in plugin.problems()["sad"]
    with pytest.raises(
        UsageError, match=r"'sad' cannot be loaded \(RuntimeError: the moon is wrong\): repair or reinstall"
    ):
        plugin.text2image("sad/anything")


def test_two_packages_of_one_name_are_an_error(group: str, tmp_path: Path, plugin: Registry):
    info = tmp_path / "other_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\ndots = sad_plugin:provider\n")
    with pytest.raises(UsageError, match="Two packages register the provider 'dots'"):
        plugin.text2image("dots/plain")


def test_the_present_group_takes_precedence_over_the_former(tmp_path: Path, plugin: Registry):
    (tmp_path / "new_plugin.py").write_text(PLUGIN.replace('"dots", {"plain"', '"dots", {"new"'))
    info = tmp_path / "new_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: new-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[telephone.models]\nold = new_plugin:provider\n")
    (tmp_path / "old_plugin-1.0.dist-info").mkdir()
    (tmp_path / "old_plugin-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: old\nVersion: 1.0\n")
    (tmp_path / "old_plugin-1.0.dist-info" / "entry_points.txt").write_text(
        "[telephone.players]\nold = dots_plugin:provider\n"
    )
    assert plugin.text2image("old/new")


@pytest.mark.parametrize(
    ("name", "now"), [("Player", "Model"), ("players", "list_models"), ("draw", "generate_images")]
)
def test_a_former_name_gives_the_present_one(name, now):
    with pytest.raises(ImportError, match=rf"telephone.models.{name} is renamed: use telephone.models.{now}"):
        getattr(models, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        models.nonsense  # noqa: B018


def test_addresses_keep_slashes_and_colons():
    ref = parse_ref("replicate/owner/model:1.2?b=2&a=x%20y")
    assert (ref.provider, ref.name, dict(ref.options)) == ("replicate", "owner/model:1.2", {"a": "x y", "b": "2"})
    assert parse_ref(str(ref)) == ref


def test_importing_the_players_imports_no_torch():
    code = "import sys, telephone.models as m; m.list_models(); sys.exit(bool({'torch', 'pandas'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
