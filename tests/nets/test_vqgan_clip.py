"""VQGAN-CLIP on tiny random nets: shapes, gradients through everything, prompts, optimising."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from telephone.nets import vqgan_clip as vc
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.cutouts import Cutouts, spherical_distance, view_distance
from telephone.nets.vqgan import Vqgan, VqganConfig

WORDS = ("a", "red", "cat", "snow")
SHAPE = vc.FeedForwardConfig(
    embedding=24, noise=4, channels=8, tokens=3, context=12, width=16, layers=1, heads=2, fine=8
)


@pytest.fixture
def clip():
    torch.manual_seed(1)
    vision = VisionConfig(stem=(8, 8, 8), width=16, layers=1, heads=2)
    net = Clip(ClipConfig(vision, ClipTextConfig(words=WORDS, width=16, layers=1, heads=2), 24))
    return net.eval().requires_grad_(False)


@pytest.fixture
def vqgan():
    torch.manual_seed(2)
    net = Vqgan(VqganConfig(codes=32, channels=8, encoder_width=8, decoder_width=8, blocks=1))
    return net.eval().requires_grad_(False)


@pytest.fixture
def net():
    torch.manual_seed(3)
    return vc.FeedForward(SHAPE)


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _pictures(n=2, seed=0):
    return torch.rand(n, 3, 64, 64, generator=_generator(seed)) * 2 - 1


def test_a_config_survives_json():
    import dataclasses
    import json

    again = vc.FeedForwardConfig.from_dict(json.loads(json.dumps(dataclasses.asdict(SHAPE))))
    assert again == SHAPE


def test_the_net_makes_z_and_looks_at_direction_noise_and_sentence(net):
    embedding, noise = torch.randn(3, 24), torch.randn(3, 4)
    z = net(embedding, noise)
    assert z.shape == (3, 8, 16, 16)
    assert torch.allclose(z, net(embedding * 7, noise), atol=1e-5)
    assert not torch.allclose(z, net(embedding, noise + 1), atol=1e-3)
    assert not torch.allclose(z, net(-embedding, noise), atol=1e-3)


def test_the_embedding_is_unpacked_into_vectors_at_which_all_positions_look(net):
    embedding, noise = torch.randn(3, 24), torch.randn(3, 4)
    vectors = net.unpack(embedding, noise)
    assert vectors.shape == (3, 3, 12)
    assert torch.allclose(vectors, net.unpack(embedding * 7, noise), atol=1e-5)
    net.whiten.weight.data.zero_()
    assert torch.allclose(net.unpack(embedding, noise), net.unpack(-embedding, noise), atol=1e-5)


def test_the_pocket_net_is_small_enough_for_its_place_in_a_training():
    from torch.utils.flop_counter import FlopCounterMode

    net = vc.FeedForward(vc.FeedForwardConfig()).requires_grad_(False)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(1, 256), torch.zeros(1, 16))
    assert counter.get_total_flops() / 2 < 120e6


def test_the_clamp_lets_only_gradients_pass_that_lead_back():
    x = torch.tensor([-2.0, -2.0, 0.0, 2.0, 2.0], requires_grad=True)
    slope = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0])
    y = vc.clamp_with_grad(x, torch.tensor(-1.0), torch.tensor(1.0))
    assert y.tolist() == [-1, -1, 0, 1, 1]
    y.backward(slope)
    # Descent moves against the slope: -2 may go up (slope -1), 2 may go down (slope 1).
    assert x.grad.tolist() == [0, -1, 1, 1, 0]


def test_pictures_are_made_of_codes_and_stay_in_range(vqgan):
    z = torch.randn(2, 8, 16, 16, generator=_generator()) * 9
    low, high = vqgan.codebook.amin(0), vqgan.codebook.amax(0)
    inside = vc.within_codes(vqgan, z).movedim(1, -1)
    assert (inside >= low).all()
    assert (inside <= high).all()
    x = vc.synthesise(vqgan, z)
    assert x.shape == (2, 3, 64, 64)
    assert x.abs().max() <= 1
    assert torch.allclose(x, vqgan.decode_codes(vqgan.nearest(vc.within_codes(vqgan, z))).clamp(-1, 1), atol=1e-5)


def test_the_gradient_reaches_the_net_through_clip_and_codes(net, clip, vqgan):
    goal = torch.randn(2, 24, generator=_generator())
    x = vc.synthesise(vqgan, net(goal, torch.zeros(2, 4)))
    views = clip.encode_image(Cutouts(views=2)(x, _generator()))
    view_distance(views, goal).backward()
    for name in ("position", "mapping.weight", "out.2.weight", "blocks.0.cross_attention.query.weight"):
        assert net.get_parameter(name).grad.abs().sum() > 0
    assert all(p.grad is None for p in (*clip.parameters(), *vqgan.parameters()))


def test_the_distance_falls_in_a_short_training(net, clip, vqgan):
    tokens = torch.tensor([[1, 4, 5, 6, 2], [1, 4, 7, 6, 2]])
    goal, noise, generator = clip.encode_text(tokens), torch.randn(2, 4, generator=_generator()), _generator()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    cutouts, losses = Cutouts(views=1, light=0.0, noise=0.0, turn=0.0, side=0.98, blur=0.0), []
    for _ in range(30):
        x = vc.synthesise(vqgan, net(goal, noise))
        loss = view_distance(clip.encode_image(cutouts(x, generator)), goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) / 5 < 0.96 * losses[0]


def test_a_seed_gives_one_picture_in_any_batch(net, vqgan):
    goal = torch.randn(3, 24, generator=_generator())
    x = vc.generate(net.eval(), vqgan, goal, [5, 6, 5])
    assert torch.allclose(vc.generate(net, vqgan, goal[1:2], [6])[0], x[1], atol=1e-4)
    other = vc.generate(net, vqgan, goal[1:2], [7])[0]
    assert not torch.allclose(other, x[1], atol=1e-4)


# --- prompts --------------------------------------------------------------------------------------------------------

_TEXT = st.text("abc ,.:中é", min_size=1).map(str.strip).filter(lambda t: t and ":" not in t)
_WEIGHT = st.floats(-100, 100).filter(lambda w: w != 0)


@given(st.lists(st.tuples(_TEXT, _WEIGHT), min_size=1, max_size=5))
def test_prompts_are_read_back(pairs):
    text = " | ".join(f"{words}:{weight!r}" for words, weight in pairs)
    assert vc.parse_prompts(text) == tuple(vc.WeightedPrompt(*pair) for pair in pairs)


@given(st.text("ab1|:. -e+", max_size=20))
def test_any_text_is_read_or_refused_with_advice(text):
    try:
        prompts = vc.parse_prompts(text)
    except ValueError as error:
        assert str(error).endswith(".")
    else:
        assert len(prompts) == text.count("|") + 1
        assert all(prompt.text and math.isfinite(prompt.weight) for prompt in prompts)


def test_a_colon_before_words_is_a_mark():
    assert vc.parse_prompts("night: a cat") == (vc.WeightedPrompt("night: a cat"),)
    assert vc.parse_prompts("night: a cat:2") == (vc.WeightedPrompt("night: a cat", 2.0),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Prompt 1 is empty"),
        ("a |", "Prompt 2 is empty"),
        ("a | | b", "Prompt 2 is empty"),
        (":0.5", "Prompt 1 is empty"),
        ("a:", "weight ''"),
        ("a:0,5", "weight '0,5'"),
        ("a | b:1e999", "prompt 2 is no number"),
        ("a:0 | b:-0", "All prompts have weight 0"),
    ],
)
def test_what_is_wrong_with_a_prompt_is_said(text, says):
    with pytest.raises(ValueError, match=says):
        vc.parse_prompts(text)


# --- optimising -----------------------------------------------------------------------------------------------------

QUICK = vc.OptimisationOptions(steps=6, every=4, cutouts=Cutouts(views=1))


def test_steps_are_frames(clip, vqgan):
    calls = []
    picture, frames = vc.optimise(clip, vqgan, "a red cat", QUICK, callback=lambda *call: calls.append(call))
    assert [step for step, _ in calls] == [1, 2, 3, 4, 5, 6]
    assert len(frames) == 3
    assert torch.equal(frames[-1], picture)
    assert torch.equal(frames[1], calls[3][1])
    assert picture.shape == (3, 64, 64)
    assert not picture.requires_grad


def test_optimising_repeats_with_its_seed(clip, vqgan):
    first, _ = vc.optimise(clip, vqgan, "a red cat", QUICK)
    again, _ = vc.optimise(clip, vqgan, "a red cat", QUICK)
    other, _ = vc.optimise(clip, vqgan, "a red cat", vc.OptimisationOptions(steps=6, seed=1, cutouts=Cutouts(views=1)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_start_picture_is_where_it_starts(clip, vqgan):
    start = _pictures(1)[0]
    _, frames = vc.optimise(clip, vqgan, "a cat", QUICK, start=start)
    with torch.no_grad():
        kept = vqgan.decode(vqgan.encode(start[None])[0])[0].clamp(-1, 1)
    assert torch.allclose(frames[0], kept, atol=1e-4)


def test_weights_pull_and_push(clip, vqgan):
    plain = Cutouts(views=1, side=1.0, turn=0.0, light=0.0, noise=0.0, blur=0.0)
    how = vc.OptimisationOptions(steps=20, rate=0.3, calm=0.0, cutouts=plain)
    goal = clip.encode_text(torch.tensor([[1, 4, 5, 6, 2]]))[0]

    def apart(weight):
        picture, frames = vc.optimise(clip, vqgan, (vc.WeightedPrompt("a red cat", weight),), how)
        after, before = (spherical_distance(clip.encode_image(x[None])[0], goal) for x in (picture, frames[0]))
        return float(after - before)

    assert apart(1.0) < 0 < apart(-1.0)


def test_an_image_is_a_prompt_of_its_own_or_beside_a_text(clip, vqgan):
    plain = Cutouts(views=1, side=1.0, turn=0.0, light=0.0, noise=0.0, blur=0.0)
    how = vc.OptimisationOptions(steps=20, rate=0.3, calm=0.0, cutouts=plain)
    goal = _pictures(1, seed=5)[0]
    wanted = clip.encode_image(goal[None])[0]

    def apart(weight, text=()):
        picture, frames = vc.optimise(clip, vqgan, text, how, pictures=[vc.ImagePrompt(goal, weight)])
        after, before = (spherical_distance(clip.encode_image(x[None])[0], wanted) for x in (picture, frames[0]))
        return float(after - before)

    assert apart(1.0) < 0 < apart(-1.0)
    alone, _ = vc.optimise(clip, vqgan, (), how, pictures=[vc.ImagePrompt(goal)])
    beside, _ = vc.optimise(clip, vqgan, (vc.WeightedPrompt("a cat", 0.0),), how, pictures=[vc.ImagePrompt(goal)])
    assert torch.allclose(alone, beside, atol=1e-4)
    mixed, _ = vc.optimise(clip, vqgan, "a cat", how, pictures=[vc.ImagePrompt(goal)])
    assert not torch.allclose(alone, mixed, atol=1e-2)
    with pytest.raises(ValueError, match="There is no prompt"):
        vc.optimise(clip, vqgan, (), how)
