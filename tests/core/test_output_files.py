"""Output files, links, named pipes, device nodes and folders, as a user may name them; made in a temporary folder."""

import os
import stat
import threading
from pathlib import Path

import pytest

from telephone.core.errors import StoreError, UsageError
from telephone.core.output_files import check_output, is_stream, write_output, write_whole

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, pipes and umask of POSIX")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_output(tmp_path / "deep" / "report.html", b"new")
    finally:
        os.umask(before)
    assert _mode(tmp_path / "deep" / "report.html") == mode
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report.html"]


def test_an_existing_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "private.csv"
    path.touch(mode=0o600)
    write_output(path, b"new")
    assert (_mode(path), path.read_bytes()) == (0o600, b"new")


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path, exists):
    target, link = tmp_path / "there" / "a.html", tmp_path / "link.html"
    target.parent.mkdir()
    if exists:
        target.write_bytes(b"old")
    link.symlink_to("there/a.html")
    write_output(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.html", "there"]


@pytest.mark.parametrize("linked", [False, True])
def test_a_named_pipe_is_written_into(tmp_path, linked):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    given = pipe
    if linked:
        given = tmp_path / "link.png"
        given.symlink_to(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    write_output(given, b"x" * 300_000)  # more than a pipe holds at once
    reader.join(10)
    assert found == [b"x" * 300_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert given.is_symlink() == linked


def test_a_device_is_written_into_and_stays_one(tmp_path):
    """A node of our own with the numbers of /dev/full, in the temporary folder."""
    node = tmp_path / "node.html"
    try:
        os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        node.open("wb").close()
    except OSError:
        pytest.skip("no device nodes can be made or opened here")
    with pytest.raises(StoreError, match=r"Disk full: .*node\.html could not be written"):
        write_output(node, b"x")
    assert stat.S_ISCHR(node.stat().st_mode)
    null = tmp_path / "null.png"
    os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    write_output(null, b"x")
    assert stat.S_ISCHR(null.stat().st_mode)


def test_an_open_file_is_not_replaced(tmp_path):
    with (tmp_path / "log").open("wb") as file:
        path = Path(f"/dev/fd/{file.fileno()}")
        if not path.exists():
            pytest.skip("this system has no /dev/fd")
        write_output(path, b"new")
        assert os.fstat(file.fileno()).st_ino == (tmp_path / "log").stat().st_ino
    assert (tmp_path / "log").read_bytes() == b"new"


def test_a_folder_is_refused_under_the_name_that_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d.csv").mkdir()
    for call in (lambda: check_output(Path("d.csv"), (".csv",)), lambda: write_output(Path("d.csv"), b"x")):
        with pytest.raises(UsageError, match=r"^d\.csv is a folder: give the name of a file"):
            call()
    assert list(Path("d.csv").iterdir()) == []


def test_an_error_names_the_path_and_no_temporary_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"file/a\.csv could not be written") as caught:
        write_output(tmp_path / "file" / "a.csv", b"x")
    assert ".tmp" not in str(caught.value)
    with pytest.raises(OSError, match=r"nowhere/a\.csv") as low:
        write_whole(tmp_path / "nowhere" / "a.csv", b"x")
    assert ".tmp" not in str(low.value)


@pytest.mark.parametrize("name", ["OUT.PNG", "out.Png", "out.png"])
def test_endings_have_no_case(tmp_path, name):
    assert check_output(tmp_path / name, (".png",)).name == name
    with pytest.raises(UsageError, match=r"must end in \.csv or \.html"):
        check_output(tmp_path / name, (".csv", ".html"))


def test_what_is_a_stream(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    found = [is_stream(path) for path in (tmp_path / "pipe", tmp_path / "file", tmp_path, tmp_path / "none")]
    assert found == [True, False, False, False]
    assert check_output(tmp_path / "pipe", (".png",)) == tmp_path / "pipe"
