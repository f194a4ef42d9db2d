"""A nightly find ends in 0 where all that can't be read is known, and tells of all else."""

import os
from pathlib import Path

import pytest
from conftest import Library, Ran
from hypothesis import given
from hypothesis import strategies as st

from disk.files import ImageFile
from disk.known_bad import known_bad, line_of

BAD = b"\xff\xd8\xff no picture"


@pytest.fixture
def broken(bare_library: Library) -> Library:
    """One good photo and three unreadable ones, one under a name that doesn't fit on a line."""
    bare_library.add("a.jpg")
    for name in (b"b.jpg", b"c\n\xff.jpg", b"d.png"):
        with open(os.path.join(os.fsencode(bare_library.photos), name), "wb") as stream:
            stream.write(BAD)
    return bare_library


def listed(library: Library) -> Path:
    """The list that find prints, in a file."""
    ran = library.run("find", "--dry-run", "--list", "unreadable")
    assert "Found 4 photos" in ran.err
    path = library.folder / "known-bad.txt"
    path.write_text(ran.out, "utf-8")
    return path


def run(library: Library, known: Path, *flags: str) -> Ran:
    return library.run("find", "--accept-unreadable", str(known), *flags)


def test_a_find_of_which_all_unreadable_files_are_accepted_is_done(broken: Library) -> None:
    known = listed(broken)
    assert len(known.read_text("utf-8").splitlines()) == 3
    ran = run(broken, known)
    assert ran.code == 0
    assert "Found 4 photos: 1 hashed, 3 unreadable (all of them accepted).\n" in ran.out
    assert "Unreadable" not in ran.out
    facts = run(broken, known, "--json").facts
    assert len(facts["unreadable"]) == len(facts["accepted_unreadable"]) == 3
    assert sum(line.startswith("Unreadable file: ") for line in broken.log()) == 2 * 3


def test_one_that_is_not_in_the_list_is_named(broken: Library) -> None:
    known = listed(broken)
    (broken.photos / "new.jpg").write_bytes(BAD)
    ran = run(broken, known)
    assert ran.code == 1
    assert "4 unreadable (3 of them accepted)" in ran.out
    assert f"Unreadable files, not accepted (1):\n  {broken.photos}/new.jpg: " in ran.out
    assert "b.jpg" not in ran.out


@pytest.mark.parametrize("changes", ["size", "time"])
def test_one_that_has_changed_is_named_again(changes: str, broken: Library) -> None:
    known, path = listed(broken), broken.photos / "b.jpg"
    status = path.stat()
    if changes == "size":
        path.write_bytes(BAD + b"!")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    ran = run(broken, known)
    assert (ran.code, f"  {path}: " in ran.out) == (1, True)
    assert "out of date" not in ran.out  # it can't be read any better


def test_a_list_that_is_out_of_date_is_said_to_be_so(broken: Library) -> None:
    known = listed(broken)
    (broken.photos / "b.jpg").unlink()
    broken.add("d.png")
    ran = run(broken, known, "--json")
    assert ran.code == 0
    stale = "The list is out of date: 2 accepted files are gone or can be read: "
    assert f"{stale}b.jpg, d.png.\n" in ran.err
    assert ran.facts["stale_accepted"] == [str(broken.photos / n) for n in ("b.jpg", "d.png")]


def test_comments_and_empty_lines_are_no_files(broken: Library) -> None:
    known = listed(broken)
    known.write_text(f"# of the old disk\n\n{known.read_text('utf-8')}", "utf-8")
    assert run(broken, known).code == 0


def test_a_list_may_be_saved_as_windows_saves_it_and_reached_by_a_link(broken: Library) -> None:
    known, link = listed(broken), broken.folder / "link.txt"
    known.write_bytes(b"\xef\xbb\xbf" + known.read_bytes().replace(b"\n", b"\r\n"))
    link.symlink_to(known)
    assert run(broken, link).code == 0


def test_a_fifo_is_no_list_and_is_not_waited_for(broken: Library) -> None:
    pipe = broken.folder / "known-bad.txt"
    os.mkfifo(pipe)
    ran = run(broken, pipe)
    assert ran.code == 2
    assert f"ACCEPT_UNREADABLE {pipe} can't be read: not a regular file; make" in ran.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"/photos/a.jpg\n", "line 1 is no size, time and path; make the list by --action find"),
        (b'# x\n1 1556712003000000042 "a\n', "line 2 is no size"),
        (b"\xff", "can't be read: it is no text"),
        (None, "can't be read: No such file"),
    ],
)
def test_what_is_no_list_is_refused(text: bytes | None, says: str, broken: Library) -> None:
    known = broken.folder / "known-bad.txt"
    if text is not None:
        known.write_bytes(text)
    ran = run(broken, known)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("find", "--list", "unreadable", "--json"), "--list and --json exclude each other"),
        (("cleanup", "--list", "unreadable"), "--list: only for --action find, covered; see"),
        (("find", "--list", "missing files"), "--list missing files: use one of unreadable, "),
    ],
)
def test_a_list_that_an_action_has_not_got_is_refused(
    flags: tuple[str, ...], says: str, bare_library: Library
) -> None:
    ran = bare_library.run(*flags)
    assert (ran.code, says in ran.err) == (2, True)


@pytest.fixture(scope="module")
def list_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("list") / "known-bad.txt"


@given(
    st.binary(min_size=1).filter(lambda name: b"\0" not in name).map(os.fsdecode),
    st.integers(0, 1 << 62),
    st.integers(-(1 << 62), 1 << 62),
)
def test_any_file_is_one_line_that_accepts_it(
    list_file: Path, name: str, size: int, time: int
) -> None:
    file = ImageFile(f"/{name}", size, time)
    list_file.write_text(f"{line_of(file)}\n", "utf-8")
    known = known_bad(str(list_file))
    assert known.accepts(file)
    assert known.stale([file]) == []
    assert known.stale([]) == [file.path]


def test_no_list_accepts_nothing() -> None:
    assert not known_bad(None).accepts(ImageFile("/a", 0, 0))
