import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.battle import Conversation, GameSpec, ModelPair, PlayerSlot, ask_key, game_seed, hop_seed, kind_at
from telephone.core.errors import UsageError
from telephone.core.records import Artefact, Hop, Outcome, Prompt

LINE = ModelPair(PlayerSlot("a/painter", "print-p"), PlayerSlot("b/reader", "print-r"))
TEXT = Prompt("An apple.", "easy")
PICTURE = Prompt("a label", image=b"a picture")


def made(ask, data: bytes | None = None) -> Hop:
    return Hop(ask, Outcome.OK, Artefact(ask.kind, data or f"{ask.kind} {ask.step}".encode()))


def play(conversation: Conversation) -> list:
    asks = []
    while (ask := conversation.next_ask()) is not None:
        asks.append(ask)
        conversation.answer(made(ask))
    return asks


@given(st.integers(1, 12), st.sampled_from([TEXT, PICTURE]))
def test_a_game_is_a_chain_of_two_hops_a_turn(turns, prompt):
    conversation = Conversation(GameSpec(LINE, prompt, 5), turns)
    asks = play(conversation)
    assert conversation.state == "done"
    assert [ask.step for ask in asks] == list(range(2 * turns))
    assert [ask.turn for ask in asks] == [step // 2 for step in range(2 * turns)]
    kinds = ["image", "text"] if prompt.first == "text" else ["text", "image"]
    assert [ask.kind for ask in asks] == kinds * turns
    assert all(ask.player == ("a/painter" if ask.kind == "image" else "b/reader") for ask in asks)
    for before, after in zip(asks, asks[1:], strict=False):
        assert after.parent == made(before).result


def test_the_first_player_sees_the_prompt_and_nothing_else():
    first = Conversation(GameSpec(LINE, TEXT, 5), 1).next_ask()
    assert first.parent == Artefact("text", b"An apple.")
    shown = Conversation(GameSpec(LINE, PICTURE, 5), 1).next_ask()
    assert shown.parent == Artefact("image", b"a picture")


def test_asking_twice_changes_nothing():
    conversation = Conversation(GameSpec(LINE, TEXT, 5), 2)
    assert conversation.next_ask() == conversation.next_ask()


def test_a_text_that_comes_back_asks_the_same_thing_again():
    conversation = Conversation(GameSpec(LINE, TEXT, 5), 3)
    keys = []
    while (ask := conversation.next_ask()) is not None:
        keys.append(ask.key)
        conversation.answer(made(ask, b"An apple." if ask.kind == "text" else b"drawn"))
    assert keys == keys[:2] * 3
    assert keys[0] != keys[1]


@pytest.mark.parametrize(("outcome", "state"), [(Outcome.FAILED, "failed"), (Outcome.REFUSED, "refused")])
def test_anything_but_a_result_ends_the_game(outcome, state):
    conversation = Conversation(GameSpec(LINE, TEXT, 5), 3)
    conversation.answer(Hop(conversation.next_ask(), outcome, None, "no"))
    assert conversation.state == state
    assert conversation.next_ask() is None
    with pytest.raises(UsageError, match="nothing more"):
        conversation.answer(Hop(Conversation(GameSpec(LINE, TEXT, 5), 3).next_ask(), Outcome.OK, None))


def test_an_answer_to_another_ask_is_not_taken():
    conversation = Conversation(GameSpec(LINE, TEXT, 5), 3)
    other = Conversation(GameSpec(LINE, Prompt("A pear."), 5), 3)
    with pytest.raises(UsageError, match="waits for step 0"):
        conversation.answer(made(other.next_ask()))
    assert conversation.step == 0


def test_a_game_without_turns_is_refused():
    with pytest.raises(UsageError, match="0 turns"):
        Conversation(GameSpec(LINE, TEXT, 5), 0)


@given(st.integers(0, 19), st.integers(10, 14))
def test_a_resumed_game_asks_what_the_uninterrupted_one_asks(step, turns):
    whole = play(Conversation(GameSpec(LINE, TEXT, 5), turns))
    part = Conversation(GameSpec(LINE, TEXT, 5), turns)
    part.resume(step, whole[step].parent if step else None)
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
    ]
    keys = {game.key for game in [base, *others]}
    assert len(keys) == 1 + len(others)
    assert all(len(key) == 64 for key in keys)
    assert Conversation(base, 3).key == Conversation(base, 9).key


def test_seeds_come_from_the_description_alone():
    assert game_seed(1, "p", 0) == game_seed(1, "p", 0)
    assert len({game_seed(1, "p", 0), game_seed(2, "p", 0), game_seed(1, "q", 0), game_seed(1, "p", 1)}) == 4
    assert hop_seed(7, "image") != hop_seed(7, "text")
    assert 0 <= hop_seed(7, "image") < 2**32


def test_a_player_that_takes_no_seed_is_asked_once_a_repeat():
    seeded, plain = PlayerSlot("a/b", "print"), PlayerSlot("a/b", "print", seeds=False)
    assert ask_key("image", seeded, "parent", 1, 0) == ask_key("image", seeded, "parent", 1, 1)
    assert ask_key("image", plain, "parent", 1, 0) == ask_key("image", plain, "parent", 2, 0)
    assert ask_key("image", plain, "parent", 1, 0) != ask_key("image", plain, "parent", 1, 1)


def test_kinds_alternate():
    assert [kind_at("text", step) for step in range(3)] == ["image", "text", "image"]
    assert [kind_at("image", step) for step in range(3)] == ["text", "image", "text"]
