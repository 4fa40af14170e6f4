"""Generated source kept between runs: hits, keys, torn and foreign files, privacy, many processes at once."""

import os
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

import graphad as ga
from graphad.errors import ArgumentError
from graphad.lower import cache
from graphad.lower.cache import Cache, Entry, cache_of, key_of


def deep(factor=1.01, name="x", length=40):
    """A graph that is worth keeping, and its arguments."""
    x = h = ga.input(name, ("n",))
    for _ in range(length):
        h = ga.tanh(h * factor) + ga.cos(h)
    loss = ga.sum(h * h)
    return [x], [loss, ga.grad(loss, x)]


def compiled(folder, *args, **kwargs):
    inputs, outputs = deep(*args)
    return ga.compile(inputs, outputs, name="deep", cache=folder, **kwargs)


def rewritten(f):
    """Whether the function needed rewriting."""
    return "rewritten" in vars(f._lowering)


@pytest.mark.parametrize("style", ["fast", "readable"])
@pytest.mark.parametrize("n", [5, 50_000])
def test_a_hit_needs_no_rewriting_and_is_the_same(tmp_path, style, n):
    first = compiled(tmp_path, style=style)
    x = np.linspace(0, 1, n)
    want = first(x)
    again = compiled(tmp_path, style=style)
    got = again(x)
    assert not rewritten(again)
    assert again.source == first.source
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)
    assert rewritten(first)
    assert {k: n.name for k, n in again.lines.items()} == {k: n.name for k, n in first.lines.items()}
    assert rewritten(again)  # on demand
    assert str(again.program) == str(first.program)
    assert [s.name for s in again.report().steps] == [s.name for s in first.report().steps]
    assert again.profile(x, repeat=1).rows


def test_updates_draws_and_checks_work_from_the_cache(tmp_path):
    def make():
        (x,), (loss, d_x) = deep()
        noise = ga.random.standard_normal(("n",))
        return ga.compile([x], {"loss": loss, "tail": x[2:]}, updates={x: x - d_x + noise}, cache=tmp_path)

    runs = []
    for _ in range(2):
        f, x = make(), np.linspace(0, 1, 9)
        out = f(x, rng=np.random.default_rng(0))
        runs.append((out["loss"], out["tail"], x))
        with pytest.raises(ArgumentError, match="needs rng"):
            f(x)
        with pytest.raises(ga.errors.ShapeError, match="slice"):
            f(np.ones(1), rng=np.random.default_rng(0))
    assert not rewritten(f)
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_each_new_value_goes_to_its_own_input(tmp_path):
    """The same new values in the same order, but of exchanged inputs: another function."""
    for turned in (False, True):
        (x,), (loss, d_x) = deep()
        y, new = ga.input("y", ("n",)), (d_x, loss + d_x)
        targets = (y, x) if turned else (x, y)
        f = ga.compile([x, y], (), updates=dict(zip(targets, new, strict=True)), cache=tmp_path)
        a, b = np.linspace(0, 1, 9), np.zeros(9)
        want = ga.compile([x], list(new))(a)
        f(a, b)
        for got, expected in zip((b, a) if turned else (a, b), want, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_failures_name_the_line_of_the_user(tmp_path):
    for _ in range(2):
        f = compiled(tmp_path)
        with np.errstate(invalid="raise"), pytest.raises(FloatingPointError) as caught:
            f(np.full(3, np.inf))
    assert "test_cache.py:" in caught.value.__notes__[0]


def key(*args, **options):
    inputs, outputs = deep(*args)
    return key_of(ga.Graph(inputs, outputs, "deep"), options)


def test_keys(monkeypatch):
    assert key() == key()
    different = [key(), key(1.02), key(1.01, "y"), key(1.01, "x", 41), key(optimize="full"), key(optimize="none")]
    assert len(set(different)) == len(different)
    (x,), (loss, d_x) = deep()
    assert key_of(ga.Graph([x], [loss], "a"), {}) != key_of(ga.Graph([x], [loss], "b"), {})
    assert key_of(ga.Graph([x], [loss, d_x]), {}) != key_of(ga.Graph([x], [d_x, loss]), {})
    assert key_of(ga.Graph([x], [ga.sum(x)]), {}) is None  # tiny
    before = key()
    monkeypatch.setattr(cache, "_versions", lambda: ("another graphad",))
    assert key() != before


def test_lines_and_constants_are_part_of_the_key():
    def make(c, split):
        (x,), (loss, _) = deep()
        results = [
            loss + ga.sum(x * c),
            loss + ga.sum(x * c),
        ]
        return key_of(ga.Graph([x], [results[split]], "f"), {})

    c = np.arange(3.0)[:1]
    assert make(c, True) == make(c.copy(), True)
    assert make(c, True) != make(c, False)  # the line is printed
    assert make(c, True) != make(-c, True)  # -0.0
    assert make(c, True) != make(c.astype("float32"), True)


def test_what_is_not_kept(tmp_path, monkeypatch):
    ga.compile(*[ga.input("x", (3,))] * 2, cache=tmp_path)  # tiny
    compiled(tmp_path, verify=True)
    compiled(tmp_path, optimize=[])
    compiled(False)
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("GRAPHAD_CACHE_DIR", str(tmp_path / "made" / "here"))
    compiled(False)
    assert not list(tmp_path.iterdir())
    compiled(None)
    assert len(list((tmp_path / "made" / "here").iterdir())) == 1
    monkeypatch.delenv("GRAPHAD_CACHE_DIR")
    assert cache_of(None) is None
    with pytest.raises(ArgumentError, match="GRAPHAD_CACHE_DIR"):
        cache_of(True)


def test_torn_foreign_and_changed_files_are_never_run(tmp_path):
    kept, entry = Cache(tmp_path), Entry("print(1)\n", {"a": [1]})
    kept.store("k", entry)
    assert kept.load("k") == entry
    path = tmp_path / "k.json"
    good = path.read_bytes()
    for bad in (
        b"",
        good[:-1],
        good[: len(good) // 2],
        good + b" ",
        good.replace(b"print(1)", b"print(2)"),
        good.replace(b" k ", b" j "),
        good.replace(cache.FORMAT.encode(), b"graphad-source-0"),
        b"\xff\xfe\x00",
        b"{}",
        good.partition(b"\n")[2],
    ):
        path.write_bytes(bad)
        assert kept.load("k") is None, bad
    path.write_bytes(good)
    (tmp_path / "other.json").write_bytes(good)  # under a key that is not its own
    assert kept.load("other") is None
    assert kept.load("missing") is None
    path.unlink()
    path.mkdir()
    assert kept.load("k") is None
    kept.store("k", entry)  # fails in silence


def test_a_changed_entry_is_made_anew(tmp_path):
    want = compiled(tmp_path).source
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes().replace(b"np.tanh", b"np.sinh"))
    assert compiled(tmp_path).source == want
    again = compiled(tmp_path)
    assert not rewritten(again)
    assert again.source == want


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners are a matter of POSIX")
def test_the_folder_must_be_private(tmp_path):
    folder = tmp_path / "new"
    kept = Cache(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    kept.store("k", Entry("1", {}))
    (folder / "k.json").chmod(0o666)
    assert kept.load("k") is None
    folder.chmod(0o777)
    with pytest.raises(ArgumentError, match="chmod 700"):
        Cache(folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="cache folder"):
        Cache(tmp_path / "file")


def test_old_entries_are_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MOST", 10)
    kept = Cache(tmp_path)
    (tmp_path / "note.txt").write_text("the user's")
    now = time.time()
    for k in range(11):
        kept.store(f"k{k}", Entry(str(k), {}))
        if (tmp_path / f"k{k}.json").exists():
            os.utime(tmp_path / f"k{k}.json", (now + k - 100, now + k - 100))
    left = {p.name for p in tmp_path.iterdir()}
    assert len(left) == 6
    assert {"note.txt", "k10.json", "k9.json"} <= left


PROGRAM = """
import sys, time
import numpy as np
import graphad as ga
folder, shared, start = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
def make(factor):
    x = h = ga.input("x", ("n",))
    for _ in range(25):
        h = ga.tanh(h * factor) + ga.cos(h)
    loss = ga.sum(h * h)
    return ga.compile([x], [loss, ga.grad(loss, x)], cache=folder)
time.sleep(max(0.0, start - time.time()))
for round in range(2):
    for factor in (1.5, 1.0 + shared / 64):
        got = make(factor)(np.linspace(0, 1, 7))
        print(factor, got[0].hex() if hasattr(got[0], "hex") else float(got[0]).hex(), got[1].tobytes().hex())
"""


def test_sixteen_processes_at_once(tmp_path):
    folder, script = tmp_path / "cache", tmp_path / "program.py"
    script.write_text(PROGRAM)
    start = str(time.time() + 2)
    command = [sys.executable, str(script), str(folder)]
    running = [
        subprocess.Popen([*command, str(k % 8), start], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for k in range(16)
    ]
    answers = {}
    for process in running:
        out, err = process.communicate(timeout=200)
        assert process.returncode == 0, err
        for line in out.splitlines():
            factor, *values = line.split()
            assert answers.setdefault(factor, values) == values
    assert len(answers) == 9
    files = list(folder.iterdir())
    assert {p.suffix for p in files} == {".json"}  # nothing half-written is left
    assert len(files) in (9, 18)  # one or two styles: all processes have the same keys
    kept = Cache(folder)
    assert all(kept.load(p.stem) for p in files)
