"""What find and the others say at their end: what could be gained, and how to go on."""

import os
import pty
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Library

from actions import configuration, find_next, find_summary
from actions.console import Console
from actions.find_next import gain_of
from disk.files import ImageFile
from pictures.images import HashedImage


def image(digest: str, size: int) -> HashedImage:
    return HashedImage(ImageFile(f"/{digest}{size}", size, 0), digest, None)


def test_what_could_be_gained_is_all_but_the_largest_of_each_content() -> None:
    assert gain_of([image("a", 5)]) == (0, 0)
    assert gain_of([image("a", 5), image("a", 5), image("a", 5)]) == (10, 0)
    assert gain_of([image("a", 5), image("b", 9), image("c", 2)]) == (0, 7)
    assert gain_of([image("b", 9), image("a", 5), image("b", 9)]) == (9, 5)


def test_find_says_what_could_be_freed(library: Library) -> None:
    shutil.copy(library.photos / "vacation1.jpg", library.photos / "vacation1_again.jpg")
    ran = library.run("find", "--dry-run", "--json")
    gain = ran.facts["gain"]
    assert gain["identical_bytes"] == os.path.getsize(library.photos / "vacation1.jpg")
    assert gain["similar_bytes"] > 0
    assert "Could be freed: 35 KB in identical files, up to 80 KB in similar ones." in ran.err
    (library.folder / "empty").mkdir()
    alone = library.run("find", "--input-dir", str(library.folder / "empty"))
    assert "freed" not in alone.out


def test_each_action_ends_with_the_command_that_follows(library: Library) -> None:
    """Typed as it stands, each does its work."""
    library.output = library.folder / "my groups"
    said = library.find("--list", "unreadable").err.splitlines()[-1]
    expected = f"python main.py --action check-deleted --output-dir '{library.output}'"
    look = f"Look into {library.output}, delete the copies you don't want"
    assert said == f"{look}, then run: {expected}"
    library.delete_copies("vacation1_old.jpg", "vacation1_copy.jpg")
    for action in ("cleanup", "restore"):
        typed = said.rpartition(": ")[2]
        said = library.run_exactly(*shlex.split(typed)[2:], *yes(action)).out.splitlines()[-1]
        flag = f"--action {action} --output-dir '{library.output}'"
        assert said.endswith(f"run: python main.py {flag}")
    assert not (library.photos / "vacation1_old.jpg").exists()


def yes(action: str) -> tuple[str, ...]:
    return ("--yes",) if action == "restore" else ()  # asked of cleanup, which names it


@pytest.mark.parametrize("flask", [True, False])
@pytest.mark.parametrize("desktop", [True, False])
@pytest.mark.parametrize("terminal", [True, False])
def test_find_names_the_page_where_it_can_be_shown(
    flask: bool, desktop: bool, terminal: bool, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal without a desktop its address is opened elsewhere."""
    monkeypatch.setattr(find_summary, "has_extra", lambda package: flask or package != "flask")
    monkeypatch.setattr(find_next, "has_desktop", lambda: desktop)
    monkeypatch.setattr(Console, "is_on_terminal", lambda _: terminal)
    said = library.find("--no-report").out
    command = f"python main.py --action review --output-dir {library.output} --workers 1"
    is_shown = flask and (desktop or terminal)
    assert (f"\nTo look at them in the browser: {command}\n" in said) is is_shown
    assert ("--action review" in said) is is_shown


def test_the_command_that_follows_does_not_allow_whole_groups_for_the_person(
    library: Library,
) -> None:
    library.find()
    library.delete_copies("vacation1.jpg", "vacation1_old.jpg", "vacation1_copy.jpg")
    said = library.check("--allow-whole-groups").out
    (command,) = (line for line in said.splitlines() if "--action cleanup" in line)
    assert "--allow-whole-groups" not in command
    assert "cleanup asks --allow-whole-groups again.\n" in said


def test_moved_and_edited_copies_are_counted_apart(library: Library) -> None:
    library.find()
    moved, edited = library.copy("vacation1_old.jpg"), library.copy("vacation1_copy.jpg")
    moved.rename(library.output / "moved.jpg")
    edited.write_bytes(edited.read_bytes() + b"edited")
    os.utime(library.copy("vacation1.jpg"))
    ran = library.check("--json")
    assert "Moved or renamed, so they stay: 1 copy.\nEdited, so they stay: 1 copy.\n" in ran.err
    assert ran.facts["moved"] == [str(library.photos / "vacation1_old.jpg")]
    assert ran.facts["edited"] == [str(library.photos / "vacation1_copy.jpg")]
    assert ran.facts["to_delete"] == []


# ---- A first run


def on_terminal(*flags: str) -> list[str]:
    """What the program says to a person on a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, str(ROOT / "main.py"), *flags]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd="/")
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # how a terminal ends
            break
        if not part:
            break
        said += part
    os.close(ours)
    process.wait(timeout=120)
    return said.decode().replace("\r\n", "\n").splitlines()


def test_a_first_run_on_a_terminal_says_how_to_name_folders_of_ones_own(tmp_path: Path) -> None:
    output = ["--output-dir", str(tmp_path / "out"), "--dry-run", "--workers", "1"]
    said = on_terminal("--action", "find", *output)
    program = f"{sys.executable} {ROOT / 'main.py'}"
    assert said[:2] == [
        "No folder is named, so these are the sample photos.",
        f"For your own: {program} --action find ~/Pictures --output-dir ~/similar",
    ]
    assert "Found 12 photos: 12 hashed, 0 unreadable." in "".join(said)


def test_in_a_script_and_with_a_folder_nothing_is_said_of_samples(library: Library) -> None:
    output = ["--output-dir", str(library.output), "--dry-run", "--workers", "1"]
    assert "sample" not in library.run_exactly("--action", "find", *output).out


def test_where_the_samples_are_gone_a_folder_is_asked_for(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "PROGRAM", str(library.folder))
    ran = library.run_exactly("--action", "find", "--output-dir", str(library.output))
    said = "no folder is named; name yours, as in python main.py --action find ~/Pictures"
    assert (ran.code, ran.err) == (2, f"error: {said} --output-dir ~/similar\n")


def test_find_names_a_renamed_copy_with_its_folder(found: Library) -> None:
    copy = found.copy("vacation1_old.jpg")
    copy.rename(copy.with_name("renamed.jpg"))
    ran = found.run("find")
    assert ran.code == 2
    assert "edited (0): 1/renamed.jpg; move them elsewhere" in ran.err
