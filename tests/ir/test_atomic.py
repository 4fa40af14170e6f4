"""Files are written whole or not at all."""

import os
import stat

import pytest

from graphad.errors import ExportError
from graphad.ir.atomic import write_atomic


@pytest.mark.parametrize(("data", "content"), [("θ\r\n", "θ\r\n".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")])
def test_content_is_written_as_it_is(tmp_path, data, content):
    write_atomic(tmp_path / "a", data)
    assert (tmp_path / "a").read_bytes() == content
    assert os.listdir(tmp_path) == ["a"]


def test_an_older_file_is_replaced(tmp_path):
    target = tmp_path / "a"
    target.write_text("a longer text than the new one")
    write_atomic(str(target), "new")
    assert target.read_text() == "new"


def test_others_may_read_the_file_as_far_as_the_umask_lets_them(tmp_path):
    (tmp_path / "usual").write_text("")
    write_atomic(tmp_path / "a", "")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "a")]
    assert modes[0] == modes[1]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "a")
    write_atomic(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "a").read_text() == "text"


@pytest.mark.parametrize("name", ["missing/a", "folder", "x" * 300], ids=["no folder", "a folder", "too long"])
def test_failure_names_the_path_and_leaves_nothing(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ExportError, match="cannot write .*" + name) as caught:
        write_atomic(tmp_path / name, "text")
    assert "choose a folder" in caught.value.hint
    assert os.listdir(tmp_path) == ["folder"]
    assert os.listdir(tmp_path / "folder") == []


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_an_interrupted_write_keeps_the_old_file(tmp_path, monkeypatch, failure):
    def interrupted(handle):
        raise failure

    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises((ExportError, KeyboardInterrupt)):
        write_atomic(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]
