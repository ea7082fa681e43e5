"""Codes and completions of DALL-E 1, with tiny random weights: inputs, strips and verdicts."""

import pytest
import torch

from telephone.core.errors import UsageError, WeightsError
from telephone.lineage import complete, tokens
from telephone.lineage.context import LineageContext
from telephone.lineage.result import Verdict
from telephone.models.pocket import weights
from telephone.nets.checkpoint import save_weights
from telephone.nets.dalle_1 import BytePairConfig, Dalle1, Dalle1Config
from telephone.nets.dvae import Dvae, DvaeConfig


@pytest.fixture
def context():
    with LineageContext() as made:
        yield made


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    torch.manual_seed(0)
    dvae = Dvae(DvaeConfig(codes=32, channels=8, encoder_width=8, decoder_width=8, blocks=1))
    save_weights(tmp_path / "dvae.safetensors", dvae, dvae.config, {})
    net = Dalle1(Dalle1Config(BytePairConfig((), 12), codes=32, width=16, heads=2, layers=2))
    save_weights(tmp_path / "dalle-1.safetensors", net, net.config, {"reads": {}}, bits=8)
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    return tmp_path


def test_random_codes_lose_the_content_and_the_vqgan_keeps_it(context, tiny):
    found = tokens.run(context, tokens.TokensOptions(n=8))
    assert found.verdict is Verdict.FAILS
    named = {each.name: each for each in found.measures}
    assert named["facts kept, pocket/vqgan-clip?steps=0"].value > 0.9
    assert named["PSNR, pocket/vqgan-clip?steps=0"].value > 20
    assert named["PSNR, pocket/dalle-1?operation=reconstruct minus pocket/vqgan-clip?steps=0"].high < 0
    assert [cell.title for cell in found.strips[0].cells] == [
        "picture",
        "dalle-1?operation=reconstruct",
        "vqgan-clip?steps=0",
    ]


def test_the_codes_of_a_picture_of_ones_own(context, tmp_path):
    (picture,) = context.pictures(context.scenes("easy", 1))
    picture.resize((200, 90)).save(tmp_path / "own.png")
    found = tokens.run(context, tokens.TokensOptions(tmp_path / "own.png", models=("pocket/vqgan-clip?steps=0",)))
    assert found.verdict is Verdict.UNDECIDED
    assert len(found.strips) == 1


def test_no_model_is_an_error(context):
    with pytest.raises(UsageError, match="--models"):
        tokens.run(context, tokens.TokensOptions(models=()))


def test_completions_with_and_without_the_caption(context, tiny):
    found = complete.run(context, complete.CompleteOptions(n=8, rows=("0", "12")))
    named = {each.name: each.value for each in found.measures}
    assert named["facts kept, 12 rows"] > named["facts kept, 0 rows"]
    assert [cell.title for cell in found.strips[0].cells] == ["picture", "0 rows", "12 rows", "without the caption"]
    assert [row["rows given"] for row in found.tables["Facts kept by rows given"]] == [0, 12]


def test_a_picture_of_ones_own_needs_words_and_decides_nothing(context, tiny, tmp_path):
    (picture,) = context.pictures(context.scenes("easy", 1))
    picture.save(tmp_path / "own.png")
    with pytest.raises(UsageError, match="--prompt"):
        complete.run(context, complete.CompleteOptions(tmp_path / "own.png"))
    found = complete.run(context, complete.CompleteOptions(tmp_path / "own.png", "a beach at night", rows=("8",)))
    assert found.verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("rows", [("17",), ("-1",), ("half",), ()])
def test_rows_out_of_range(context, rows):
    with pytest.raises(UsageError, match="0 to 16"):
        complete.run(context, complete.CompleteOptions(rows=rows))


def test_without_weights_the_operations_say_so(context, tmp_path, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    monkeypatch.setattr(weights, "shipped_folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match="telephone learn dvae"):
        tokens.run(context, tokens.TokensOptions(models=("pocket/dalle-1?operation=reconstruct",)))
