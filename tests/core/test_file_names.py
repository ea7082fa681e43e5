"""Names of files as text and as words of a shell."""

import os
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.core.file_names import path_of, shell_word, text_of


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name and b"\\" not in name))
def test_any_name_is_text_and_comes_back(name):
    path = Path(os.fsdecode(name))
    assert text_of(path).encode()
    assert path_of(text_of(path)) == path


def test_bytes_that_are_not_utf_8_are_escapes():
    assert text_of(os.fsdecode(b"caf\xe9/\xc3\xa9")) == "caf\\xe9/é"


def test_a_name_that_looks_like_an_escape_is_left_alone(tmp_path):
    path = tmp_path / "caf\\xe9"
    path.touch()
    assert path_of(text_of(path)) == path


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_a_shell_reads_one_word(name):
    assert shlex.split(f"telephone show {shell_word(name)}") == ["telephone", "show", name]
