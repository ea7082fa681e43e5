"""BLIP at toy size: the two ways to read a text, the three losses, and writing with and without memory."""

import pytest
import torch

from telephone.nets.blip import Blip, BlipConfig, BlipTextConfig, ImageEncoderConfig
from telephone.nets.generation import Decoding, generate
from telephone.nets.tokenizer import BOS, EOS, PAD


@pytest.fixture
def net():
    torch.manual_seed(0)
    image = ImageEncoderConfig(image_size=16, stem=(8, 8, 16), width=16, layers=1, heads=2)
    text = BlipTextConfig(words=tuple("abcdefgh"), max_tokens=12, width=16, layers=2, heads=2, embedding=8)
    net = Blip(BlipConfig(image, text)).eval()
    torch.nn.init.normal_(net.token.weight, std=0.5)
    return net


PICTURES = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
TOKENS = torch.tensor([[1, 4, 5, 2], [1, 6, 2, 0], [1, 7, 8, 2]])


def test_writing_with_memory_equals_writing_anew(net):
    """The cached decoder must choose the words that the whole forward pass of training would choose."""
    written = net.caption(PICTURES, [0, 0, 0], Decoding(limit=8))
    patches = net.image_encoder(PICTURES)
    for row, image in zip(written.tolist(), patches, strict=True):
        words = row[: row.index(EOS) + 1] if EOS in row else row
        tokens = torch.tensor([[BOS, *words]])
        x = net.token(tokens[:, :-1]) + net.position[: len(words)]
        for block in net.blocks:
            x = block.decode(x, block.cross.keys(image[None]))
        chosen = (net.norm(x) @ net.token.weight.T).argmax(-1)[0].tolist()
        assert chosen == words


def test_a_description_does_not_depend_on_its_batch(net):
    for how in (Decoding(limit=8), Decoding(limit=8, temperature=1.0)):
        together = net.caption(PICTURES, [5, 6, 7], how)[1].tolist()
        alone = net.caption(PICTURES[1:2], [6], how)[0].tolist()
        assert [t for t in together if t != PAD] == [t for t in alone if t != PAD]


def test_sampling_follows_the_seed(net):
    how = Decoding(limit=8, temperature=2.0, top_p=1.0)
    texts = {tuple(net.caption(PICTURES[:1], [seed], how)[0].tolist()) for seed in range(8)}
    assert len(texts) > 1


def test_texts_are_compared_in_a_space_of_unit_vectors(net):
    patches = net.image_encoder(PICTURES)
    assert torch.allclose(net.embed_image(patches).norm(dim=1), torch.ones(3))
    assert torch.allclose(net.embed_text(TOKENS).norm(dim=1), torch.ones(3))


def test_the_grounded_reader_sees_the_picture_and_the_other_does_not(net):
    patches = net.image_encoder(PICTURES)
    assert not torch.allclose(net.encode_text(TOKENS, patches), net.encode_text(TOKENS))
    assert not torch.allclose(net.encode_text(TOKENS, patches), net.encode_text(TOKENS, patches.flip(0)))


def test_the_three_losses_teach(net):
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    sums = []
    for _ in range(60):
        patches = net.image_encoder(PICTURES)
        itc, similarity = net.itc_loss(patches, TOKENS)
        parts = itc, net.itm_loss(patches, TOKENS, similarity, generator), net.lm_loss(patches, TOKENS)
        optimizer.zero_grad()
        sum(parts).backward()
        optimizer.step()
        sums.append([float(part.detach()) for part in parts])
    assert all(last < first / 2 for first, last in zip(sums[0], sums[-1], strict=True))
    net.eval()
    assert net.caption(PICTURES, [0, 0, 0])[:, :3].tolist() == [[4, 5, 2], [6, 2, 0], [7, 8, 2]]


def test_generation_stops_when_all_have_ended():
    calls = []

    def step(token, position):
        calls.append(position)
        logits = torch.zeros(2, 6)
        logits[0, EOS] = 1
        logits[1, EOS if position == 2 else 4] = 1
        return logits

    assert generate(step, [0, 0], Decoding(limit=10)).tolist() == [[EOS, PAD, PAD], [4, 4, EOS]]
    assert calls == [0, 1, 2]
