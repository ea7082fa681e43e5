"""`pocket/dalle-mini` with a tiny random decoder: bytes in any batch, options, the preview, missing weights."""

import pytest

from telephone.core.errors import UsageError, WeightsError
from telephone.core.images import content_hash, encode_png
from telephone.models import text2image
from telephone.models.pocket import weights
from telephone.models.pocket.dalle_mini import NET, PocketDalleMini

TEXTS = ["a red apple on a beach", "two small blue boats at night, neon", "a yellow cat in the snow", "", "雪"]


def write_net(folder, reads=None):
    import torch

    from telephone.nets.checkpoint import save_weights
    from telephone.nets.dalle_mini import BartConfig, DalleMini, DalleMiniConfig
    from telephone.nets.stable_diffusion import TextEncoderConfig

    torch.manual_seed(0)
    text = TextEncoderConfig(words=("a", "red", "apple", "blue", "cat"), width=16, layers=1, heads=2)
    net = DalleMini(DalleMiniConfig(text, BartConfig(width=16, heads=2, decoder_layers=1), head_width=16))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(3)
    save_weights(folder / "dalle-mini.safetensors", net, net.config, {"reads": reads or {}}, bits=8)


@pytest.fixture
def learned(tmp_path, monkeypatch):
    write_net(tmp_path)
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    return tmp_path


def the_bytes(images):
    return [encode_png(image) for image in images]


def test_a_seed_gives_the_same_bytes_in_any_batch(learned):
    model = PocketDalleMini()
    together = the_bytes(model.generate_images(TEXTS, [1, 2, 3, 4, 5]))
    assert (
        the_bytes(model.generate_image(text, seed) for text, seed in zip(TEXTS, range(1, 6), strict=True)) == together
    )
    assert the_bytes([model.generate_image(TEXTS[0], 6)])[0] != together[0]
    assert len(set(together)) == 5


def test_every_option_changes_the_image_and_the_fingerprint(learned):
    options = ("super_conditioning=1", "super_conditioning=5", "temperature=0", "temperature=2", "top_k=3")
    models = [PocketDalleMini(), *(PocketDalleMini(**parse(option)) for option in options)]
    assert len({model.traits().fingerprint for model in models}) == len(models)
    assert len(set(the_bytes(model.generate_image(TEXTS[0], 1) for model in models))) == len(models)


def parse(option):
    name, value = option.split("=")
    return {name: int(value) if name == "top_k" else float(value)}


def test_the_most_likely_codes_do_not_depend_on_the_seed(learned):
    model = PocketDalleMini(temperature=0.0)
    assert the_bytes([model.generate_image(TEXTS[0], 1)]) == the_bytes([model.generate_image(TEXTS[0], 2)])


def test_the_preview_ends_with_the_image(learned):
    shown = []
    model = PocketDalleMini()
    image = model.preview(TEXTS[0], 7, lambda rows, part: shown.append((rows, part)))
    assert the_bytes([image]) == the_bytes([model.generate_image(TEXTS[0], 7)])
    assert [rows for rows, _ in shown] == [2, 4, 6, 8, 10, 12, 14, 16]
    assert all(part.size == (64, 64) for _, part in shown)
    assert the_bytes(model.film(TEXTS[0], 7)) == the_bytes(part for _, part in shown)
    assert set(shown[0][1].crop((0, 8, 64, 64)).get_flattened_data()) <= {(127, 127, 127), (128, 128, 128)}


def test_clip_chooses_among_candidates(learned):
    from telephone.models.best_of import candidate_seeds

    best = PocketDalleMini(best_of=3).generate_image(TEXTS[0], 1)
    single = [PocketDalleMini().generate_image(TEXTS[0], seed) for seed in candidate_seeds(1, 3)]
    assert encode_png(best) in the_bytes(single)


def test_weights_of_another_vqgan_are_refused(tmp_path, monkeypatch):
    write_net(tmp_path, {"vqgan": content_hash(b"another"), "stable-diffusion": content_hash(b"another")})
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match=r"trained with another file than .*vqgan"):
        PocketDalleMini().generate_image("a cat", 0)


def test_without_weights_the_model_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    monkeypatch.setattr(weights, "shipped_folder", lambda: tmp_path)
    assert "`telephone learn dalle-mini`" in text2image("pocket/dalle-mini").lacks()
    assert not NET.roster


def test_options_out_of_range_are_refused():
    for option in ("super_conditioning=0.5", "temperature=-1", "top_k=-1", "best_of=0", "steps=3"):
        with pytest.raises(UsageError, match=option.split("=")[0]):
            text2image(f"pocket/dalle-mini?{option}")
