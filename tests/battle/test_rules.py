from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.battle import (
    Conversation,
    GameSpec,
    ModelPair,
    PlayerSlot,
    check_noise,
    game_seed,
    hop_key,
    hop_seed,
    kind_at,
)
from telephone.core.errors import UsageError
from telephone.core.records import Artefact, Call, Outcome, Prompt

LINE = ModelPair(PlayerSlot("a/painter", "print-p"), PlayerSlot("b/reader", "print-r"))
TEXT = Prompt("An apple.", "easy")
PICTURE = Prompt("a label", image=b"a picture")


def made(request, data: bytes) -> Call:
    return Call(request, Outcome.OK, Artefact(request.kind, data))


def play(conversation: Conversation) -> list:
    """Returns the hops, each with a content of its own."""
    hops = []
    while (request := conversation.next_request()) is not None:
        hops.append(conversation.accept(made(request, f"{request.kind} {conversation.step}".encode())))
    return hops


@given(st.integers(1, 12), st.sampled_from([TEXT, PICTURE]))
def test_a_game_is_a_chain_of_two_hops_a_turn(turns, prompt):
    conversation = Conversation(GameSpec(LINE, prompt, 5), turns)
    hops = play(conversation)
    assert conversation.state == "done"
    assert [hop.step for hop in hops] == list(range(2 * turns))
    assert [hop.turn for hop in hops] == [step // 2 for step in range(2 * turns)]
    requests = [hop.request for hop in hops]
    kinds = ["image", "text"] if prompt.first == "text" else ["text", "image"]
    assert [request.kind for request in requests] == kinds * turns
    slots = {"image": ("a/painter", "print-p"), "text": ("b/reader", "print-r")}
    assert all((request.model, request.fingerprint) == slots[request.kind] for request in requests)
    for before, after in zip(hops, hops[1:], strict=False):
        assert after.request.parent == before.result


def test_the_first_model_gets_the_prompt_and_nothing_else():
    first = Conversation(GameSpec(LINE, TEXT, 5), 1).next_request()
    assert first.parent == Artefact("text", b"An apple.")
    shown = Conversation(GameSpec(LINE, PICTURE, 5), 1).next_request()
    assert shown.parent == Artefact("image", b"a picture")


def test_the_next_request_is_the_same_until_it_is_answered():
    conversation = Conversation(GameSpec(LINE, TEXT, 5), 2)
    assert conversation.next_request() == conversation.next_request()


def requests_of_a_game_at_rest(line, noise, **game):
    """Returns the requests of a game in which every text is the prompt again, and every image the same."""
    conversation = Conversation(GameSpec(line, TEXT, 5, noise=noise, **game), 3)
    requests = []
    while (request := conversation.next_request()) is not None:
        requests.append(request)
        conversation.accept(made(request, b"An apple." if request.kind == "text" else b"drawn"))
    return requests


def test_a_text_that_comes_back_makes_an_equal_request_with_fixed_noise():
    keys = [request.key for request in requests_of_a_game_at_rest(LINE, "fixed")]
    assert keys == keys[:2] * 3
    assert keys[0] != keys[1]


def test_a_text_that_comes_back_gets_a_new_seed_with_fresh_noise():
    requests = requests_of_a_game_at_rest(LINE, "fresh")
    assert len({request.key for request in requests}) == len({request.seed for request in requests}) == 6


def test_fresh_noise_asks_a_model_without_seeds_at_every_turn_and_a_deterministic_one_once():
    unseeded, greedy = (
        ModelPair(PlayerSlot("a/painter", "print-p", seeds=False), LINE.i2t),
        ModelPair(LINE.t2i, PlayerSlot("b/reader", "print-r", deterministic=True)),
    )
    images = [request.key for request in requests_of_a_game_at_rest(unseeded, "fresh")[::2]]
    assert len(set(images)) == 3
    assert images == [request.key for request in requests_of_a_game_at_rest(unseeded, "fresh")[::2]]
    other_prompt = Conversation(GameSpec(unseeded, Prompt("An apple.", id="x"), 6), 3).next_request()
    assert other_prompt.key not in images, "two prompts that reach one text are two draws"
    texts = [request.key for request in requests_of_a_game_at_rest(greedy, "fresh")[1::2]]
    assert len(set(texts)) == 1
    assert {request.key for request in requests_of_a_game_at_rest(greedy, "fresh", repeat=1)[1::2]} == set(texts)


@pytest.mark.parametrize("noise", ["fresh", "fixed"])
@pytest.mark.parametrize("seeds", [True, False])
def test_pairs_that_share_a_model_share_its_draws(noise, seeds):
    drawer = PlayerSlot("a/painter", "print-p", seeds)
    pairs = [ModelPair(drawer, LINE.i2t), ModelPair(drawer, PlayerSlot("c/reader", "print-c"))]
    one, other = (requests_of_a_game_at_rest(pair, noise)[::2] for pair in pairs)
    assert [request.key for request in one] == [request.key for request in other]
    assert [request.seed for request in one] == [request.seed for request in other]


@pytest.mark.parametrize(("outcome", "state"), [(Outcome.FAILED, "failed"), (Outcome.REFUSED, "refused")])
def test_anything_but_a_result_ends_the_game(outcome, state):
    conversation = Conversation(GameSpec(LINE, TEXT, 5), 3)
    hop = conversation.accept(Call(conversation.next_request(), outcome, None, "no"))
    assert (hop.step, hop.outcome, hop.reason) == (0, outcome, "no")
    assert conversation.state == state
    assert conversation.next_request() is None
    with pytest.raises(UsageError, match="nothing more"):
        conversation.accept(Call(Conversation(GameSpec(LINE, TEXT, 5), 3).next_request(), Outcome.OK))


def test_the_result_of_another_request_is_not_accepted():
    conversation = Conversation(GameSpec(LINE, TEXT, 5), 3)
    other = Conversation(GameSpec(LINE, Prompt("A pear."), 5), 3)
    with pytest.raises(UsageError, match="waits for step 0"):
        conversation.accept(made(other.next_request(), b"another"))
    assert conversation.step == 0


def test_a_game_without_turns_is_refused():
    with pytest.raises(UsageError, match="0 turns"):
        Conversation(GameSpec(LINE, TEXT, 5), 0)


@given(st.integers(0, 19), st.integers(10, 14))
def test_a_resumed_game_makes_the_requests_of_an_uninterrupted_one(step, turns):
    whole = play(Conversation(GameSpec(LINE, TEXT, 5), turns))
    part = Conversation(GameSpec(LINE, TEXT, 5), turns)
    part.resume(step, whole[step].request.parent if step else None)
    assert play(part) == whole[step:]


def test_the_key_of_a_game_is_of_everything_but_its_length():
    base = GameSpec(LINE, TEXT, 5)
    others = [
        GameSpec(ModelPair(PlayerSlot("a/painter", "another"), LINE.i2t), TEXT, 5),
        GameSpec(ModelPair(LINE.t2i, PlayerSlot("c/reader", "print-r")), TEXT, 5),
        GameSpec(LINE, Prompt("A pear."), 5),
        GameSpec(LINE, Prompt("An apple.", id="x"), 5),
        GameSpec(LINE, PICTURE, 5),
        GameSpec(LINE, TEXT, 6),
        GameSpec(LINE, TEXT, 5, repeat=1),
        GameSpec(LINE, TEXT, 5, noise="fixed"),
    ]
    keys = {game.key for game in [base, *others]}
    assert len(keys) == 1 + len(others)
    assert all(len(key) == 64 for key in keys)
    assert Conversation(base, 3).key == Conversation(base, 9).key


def test_seeds_come_from_the_description_alone():
    assert game_seed(1, "p", 0) == game_seed(1, "p", 0)
    assert len({game_seed(1, "p", 0), game_seed(2, "p", 0), game_seed(1, "q", 0), game_seed(1, "p", 1)}) == 4
    assert hop_seed(7, "image", 0, "fixed") == hop_seed(7, "image", 3, "fixed") == 665903885
    fresh = {hop_seed(7, kind, turn) for kind in ("image", "text") for turn in range(5)}
    assert len(fresh) == 10
    assert hop_seed(7, "image", 3) == 1334732779
    assert all(0 <= seed < 2**32 for seed in fresh)


def test_with_fixed_noise_a_model_that_takes_no_seed_is_called_once_a_repeat():
    seeded, plain = PlayerSlot("a/b", "print"), PlayerSlot("a/b", "print", seeds=False)
    key = partial(hop_key, "image", noise="fixed")
    assert key(seeded, "parent", 1, 0) == key(seeded, "parent", 1, 1)
    assert key(plain, "parent", 1, 0) == key(plain, "parent", 2, 0)
    assert key(plain, "parent", 1, 0) != key(plain, "parent", 1, 1)


def test_an_unknown_noise_is_refused():
    with pytest.raises(UsageError, match="'other': choose fresh or fixed"):
        check_noise("other")


def test_kinds_alternate():
    assert [kind_at("text", step) for step in range(3)] == ["image", "text", "image"]
    assert [kind_at("image", step) for step in range(3)] == ["text", "image", "text"]
