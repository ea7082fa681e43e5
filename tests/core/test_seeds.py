from hypothesis import given
from hypothesis import strategies as st

from telephone.core.seeds import derive, digest


def test_the_same_words_give_the_same_number_everywhere():
    assert derive("game", 0, "abc", 1) == 819441737
    assert 0 <= derive("x") < 2**32


@given(st.lists(st.text()), st.lists(st.text()))
def test_different_parts_give_different_hashes(one, other):
    assert (digest(*one) == digest(*other)) == (one == other)
