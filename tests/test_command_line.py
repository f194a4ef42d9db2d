"""Options belong to actions, folders may be named plainly, and slips are told what was meant."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Library, tree

import config
import main
from actions import configuration
from actions.command_line import read
from actions.configuration import OPTIONS, constants
from actions.next_command import install_extras, next_command, quoted
from actions.table import ACTIONS
from config import UserError

SHIPPED = constants({})


def refused(*arguments: str) -> str:
    with pytest.raises(UserError) as caught:
        read(arguments, SHIPPED)
    return str(caught.value)


# ---- Folders


def test_find_takes_folders_as_they_stand(library: Library, tmp_path: Path) -> None:
    other = tmp_path / "old disk"
    other.mkdir()
    shutil.move(library.photos / "vacation1_old.jpg", other)
    output = ["--output-dir", str(library.output), "--workers", "1", "--json"]
    plain = library.run_exactly("--action", "find", str(library.photos), str(other), *output)
    assert plain.code == 0
    assert str(other / "vacation1_old.jpg") in plain.facts["groups"][0]
    flagged = ["--input-dir", str(library.photos)]
    both = library.run_exactly(str(other), "--action", "find", *output, *flagged)
    assert sorted(both.facts["groups"][0]) == sorted(plain.facts["groups"][0])


def test_folders_are_relative_to_where_one_is(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(library.folder)
    output = ["--output-dir", str(library.output), "--workers", "1"]
    assert library.run_exactly("--action", "find", "photos", *output).code == 0


def test_a_folder_that_is_not_there_is_told() -> None:
    assert read(["--action", "find", "a", "--input-dir", "b"], SHIPPED).INPUT_DIR == ["b", "a"]
    assert read(["--action", "find"], SHIPPED).INPUT_DIR is None


@pytest.mark.parametrize("action", ["check-deleted", "cleanup", "restore", "review", "suggest"])
def test_other_actions_take_no_folder(action: str) -> None:
    said = f"/photos: --action {action} takes no folder or photo; it goes by the result in "
    assert refused("--action", action, "/photos") == said + "OUTPUT_DIR (--output-dir)."


# ---- Whose an option is


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "cleanup --cosine 0.8",
            "--cosine: only for --action find, covered, explain with --method embeddings or both;"
            " see --action cleanup --help.",
        ),
        (
            "review --at-most 3",
            "--at-most: only for --action find; see --action review --help.",
        ),
        (
            "find --with-companions",
            "--with-companions: only for --action cleanup; see --action find --help.",
        ),
        ("explain a b --dry-run", "--dry-run: not for --action explain; see --action explain"),
        ("review --quiet", "--quiet: not for --action review; see --action review --help."),
        ("restore --workers 3", "--workers: not for --action restore; see"),
        ("cleanup --workers 3", "--workers: not for --action cleanup; see"),
        (
            "check-deleted --preset most",
            "--preset: only for --action find, covered, explain; see --action check-deleted",
        ),
        ("keep x", "--action keep takes the numbers of groups, or all; see --action keep --help."),
        ("find --like a b", "--like: only for --action explain; see --action find --help."),
    ],
)
def test_what_belongs_to_another_action_is_refused_by_name(given: str, said: str) -> None:
    message = refused("--action", *given.split())
    assert message.startswith(said)


@pytest.mark.parametrize("action", ["find", "check-deleted", "cleanup"])
def test_one_line_of_flags_serves_the_three_base_actions(action: str) -> None:
    """Those by which a result is made and cleaned up, as scripts may have them."""
    flags = (
        "--input-dir a --output-dir b --info-file c --to-delete-file d --log-file e "
        "--threshold 3 --hash-size 8 --delete-mode trash --protect g"
    )
    assert read(["--action", action, *flags.split()], SHIPPED).OUTPUT_DIR == "b"


def test_who_excludes_from_a_cleanup_is_told_of_protect(culled: Library) -> None:
    before = tree(culled.folder)
    ran = culled.run("cleanup", "--exclude", "*.jpg", "--yes")
    assert (ran.code, ran.out) == (2, "")
    said = (
        "only for --action find, covered, explain; what must not be deleted is named by --protect."
    )
    assert ran.err == f"error: --exclude: {said}\n"
    assert tree(culled.folder) == before


def test_what_only_a_network_needs_is_refused_without_one(library: Library) -> None:
    for flags in (["--cosine", "0.7"], ["--model", "sscd"], ["--model-side", "64"]):
        ran = library.run("find", *flags)
        said = f"error: {flags[0]}: only with --method embeddings or both; add that, or leave it"
        assert (ran.code, ran.err) == (2, f"{said} out.\n")


def test_quiet_and_verbose_exclude_each_other() -> None:
    assert refused("--action", "find", "--quiet", "--verbose").startswith("--quiet and --verbose")


def test_one_action_is_named_at_a_time() -> None:
    said = "--action is given as find and cleanup; name one at a time."
    assert refused("--action", "find", "--action=cleanup") == said
    assert read(["--action", "find", "--action", "find"], SHIPPED).action == "find"


def test_a_config_without_a_name_is_not_the_shipped_one(library: Library) -> None:
    ran = library.run("find", "--config", "")
    assert (ran.code, ran.err.split(";")[0]) == (2, "error: --config is empty")


# ---- What was meant


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["find"], "an action is named by --action: python main.py --action find"),
        (
            ["find", "/my photos", "--dry-run"],
            "an action is named by --action: python main.py --action find '/my photos' --dry-run",
        ),
        (["fnid"], "an action is named by --action: python main.py --action find"),
        (["--act", "find"], "--act is no option; did you mean --action? See --help."),
        (["FIND"], "an action is named by --action: python main.py --action find"),
        (["--find", "/my photos"], "--find is no option; did you mean --action find? See --action"),
        (["--check_deleted"], "--check_deleted is no option; did you mean --action check-deleted?"),
        (["help"], "help is no action; see python main.py --help, or of one action python main.py"),
        (["--action", "help"], "--action help is none; see python main.py --help, or of one"),
        ([], "--action says what to do, and is missing; begin with python main.py --action find"),
        (["~/Pictures"], "--action says what to do, and is missing; begin with"),
        (
            ["--action", "find", "--quite"],
            "--quite is no option; did you mean --quiet? See --action find --help.",
        ),
        (
            ["--action", "find", "--dry"],
            "--dry is no option; did you mean --dry-run? See --action find --help.",
        ),
        (
            ["--action=cleanup", "--whole-groups=yes"],
            "--whole-groups is no option; did you mean --allow-whole-groups? See --action cleanup",
        ),
        (["--action", "find", "--xyz"], "--xyz is no option; see --action find --help."),
        (["--action", "find", "--list", "unread"], "--list unread: use one of unreadable,"),
    ],
)
def test_a_slip_is_told_what_was_meant(given: list[str], said: str) -> None:
    assert refused(*given).startswith(said)


def test_an_action_that_there_is_not_is_told_which_one_was_meant() -> None:
    for given, meant in (
        ("clean", "cleanup"),
        ("delete", "check-deleted"),
        ("fidn", "find"),
        ("FIND", "find"),
    ):
        for more in ([], ["--help"]):
            message = refused("--action", given, *more)
            assert message.startswith(f"--action {given}: it must be one of find, check-deleted,")
            assert message.endswith(f"; did you mean {meant}?")
    assert refused("--action", "xyz").endswith("explain.")


def test_a_value_that_there_is_not_is_told_which_one_was_meant(library: Library) -> None:
    for flag, given, meant in (
        ("--preset", "similr", "similar"),
        ("--preset", "copys", "copies"),
        ("--method", "embedding", "embeddings"),
        ("--delete-mode", "Trash", "trash"),
        ("--copies", "previews", "preview"),
    ):
        ran = library.run("find", flag, given)
        assert ran.code == 2
        assert ran.err.endswith(f"; did you mean {meant}?\n")


# ---- The pages of --help


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_has_a_page_with_its_own_options_and_an_example(
    action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for order in (["--action", action, "--help"], ["--help", "--action", action]):
        with pytest.raises(SystemExit, match="0"):
            read(order, SHIPPED)
        page = capsys.readouterr().out
        for option in OPTIONS:
            assert (f"  {option.flag} " in page) == (action in option.actions), option.flag
    assert page.startswith(f"usage: main.py --action {action} ")
    example = page.partition("example:\n  python main.py --action ")[2].partition("\n")[0]
    read(["--action", *example.split()], SHIPPED)


# ---- The command by which one goes on


def test_the_next_command_has_the_flags_that_its_action_needs() -> None:
    flags = ["--output-dir", "my groups", "--log-file", "l.txt", "--preset", "most", "--yes"]
    arguments = read(["--action", "find", "a", "--protect", "*.nef", *flags], SHIPPED)
    assert next_command(arguments, "check-deleted") == (
        "python main.py --action check-deleted --output-dir 'my groups' --log-file l.txt "
        "--protect '*.nef'"
    )
    arguments = read(["--action", "check-deleted", "--config", "mine.py"], SHIPPED)
    assert next_command(arguments, "cleanup", "--dry-run") == (
        "python main.py --action cleanup --config mine.py --dry-run"
    )


def test_the_next_command_of_an_installed_one_names_the_folder_of_the_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["image-similarity-search", "--action", "find"])
    monkeypatch.chdir(tmp_path)
    given = configuration.configured(str(ROOT / "extras/installed_config.py"))
    arguments = read(None, given.by_name)
    configuration.name_output(arguments, given)
    assert next_command(arguments, "cleanup").endswith(f" --output-dir {tmp_path}/output")


def test_what_to_install_is_said_as_it_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert install_extras() == "run pip install -r extras/requirements.txt"
    assert install_extras("cluster") == "run pip install -r extras/cluster/requirements.txt"
    monkeypatch.setattr(sys, "argv", ["/home/me/.local/bin/image-similarity-search"])
    assert install_extras() == 'run pipx install --force ".[all]" in the clone'
    assert install_extras("cluster") == 'run pipx install --force ".[cluster]" in the clone'


def test_the_next_command_begins_as_the_person_began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["../main.py", "--action", "find"])
    typed = ["/my pythons/python", "-s", "../main.py", "--action", "find"]
    monkeypatch.setattr(sys, "orig_argv", typed)
    command = next_command(read(None, SHIPPED), "check-deleted")
    assert command == "'/my pythons/python' -s ../main.py --action check-deleted"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/image-similarity-search", "--action", "find"])
    command = next_command(read(None, SHIPPED), "check-deleted")
    assert command == "image-similarity-search --action check-deleted"


def test_what_an_error_says_to_run_has_the_flags_that_were_given(
    culled: Library,
) -> None:
    """Where neither the person nor config.py names a folder, find is to be told one."""
    given = ["--output-dir", str(culled.output), "--log-file", "found.txt"]
    culled.list_file.unlink()
    ran = culled.run_exactly("--action", "cleanup", *given)
    listing = f"run python main.py --action check-deleted {' '.join(given)} first."
    assert ran.err == f"error: {culled.list_file} does not exist; {listing}\n"
    (culled.output / "info.txt").unlink()
    ran = culled.run_exactly("--action", "check-deleted", *given)
    assert f"run python main.py --action find {' '.join(given)} DIR first.\n" in ran.err
    ran = culled.run("check-deleted")
    assert (
        f"--action find --input-dir {culled.photos} --output-dir {culled.output} first" in ran.err
    )


def test_find_names_the_whole_command_that_keeps_groups(found: Library) -> None:
    said = found.find("--log-file", "found.txt").out
    assert re.search(f" --action keep --output-dir {found.output} .*NUMBER...\n", said)
    undo = found.run("keep", "2").out.splitlines()[-1]
    assert undo.endswith(f" --action forget --output-dir {found.output} --workers 1 2")
    assert found.run_exactly(*undo.partition(" main.py ")[2].split()).code == 0


def test_a_shell_reads_what_was_quoted() -> None:
    for name in ("a b", "it's", "a\nb", "\x1b[2J'\\", os.fsdecode(b"\xff\xe9"), "ü"):
        word = quoted(name)
        assert word.isprintable()
        ran = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
        assert ran.stdout == os.fsencode(name)


# ---- Another config.py


def test_another_config_py_is_read_as_python_with_paths_relative_to_it(
    library: Library,
) -> None:
    """What it doesn't name is as shipped."""
    mine = library.folder / "mine.py"
    mine.write_text("home = 'here'\nINPUT_DIR = ['photos']\nOUTPUT_DIR = f'{home}/out'\n")
    ran = library.run_exactly("--action", "find", "--config", str(mine), "--workers", "1")
    assert (ran.code, ran.err) == (0, "")
    assert (library.folder / "here" / "out" / "1").is_dir()
    ran = library.run_exactly("--action", "check-deleted", "--config", str(mine), "--json")
    assert ran.code == 0


def test_the_shipped_config_py_may_be_copied_and_named(library: Library) -> None:
    mine = library.folder / "mine.py"
    shutil.copy(ROOT / "config.py", mine)
    ran = library.run("find", "--config", str(mine))
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("INPUT_DIRS = 'x'", "unknown name INPUT_DIRS; did you mean INPUT_DIR?"),
        (
            "OUTPUT_DIR = out",
            "line 1: NameError: name 'out' is not defined; put paths and words in quotes.",
        ),
        (
            "\nCOSINE = 1 / 0",
            "line 2: ZeroDivisionError: division by zero; mend that line, or take",
        ),
        ("import nothing_like_it", "No module named 'nothing_like_it'; mend that line, or take it"),
        ("OUTPUT_DIR = 'out", "SyntaxError: "),
        ("\nraise SystemExit(0)", "line 2: SystemExit: it ends the program; mend that line, or"),
        ("\x89PNG\r\n\0\0", "this is no file of Python; name a file like config.py."),
        (None, "No such file or directory; name a file like config.py."),
    ],
)
def test_a_mistake_in_another_config_py_names_it(
    text: str | None, said: str, library: Library
) -> None:
    mine = library.folder / "mine.py"
    if text is not None:
        mine.write_text(text)
    ran = library.run("find", "--config", str(mine))
    assert ran.code == 2
    assert said in ran.err
    assert str(mine) in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("text", ["OUTPUT_DIR = 'out", "TRESHOLD = 3", "WORKERS = 1 / 0", None])
def test_help_needs_no_config_py_that_can_be_read(
    text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.py"
    if text is not None:
        mine.write_text(text)
    with pytest.raises(SystemExit, match="0"):
        main.main(["--action", "find", "--help", "--config", str(mine)])
    said = capsys.readouterr()
    assert said.out.startswith("usage: main.py --action find ")
    [warning] = said.err.splitlines()
    assert warning.startswith("warning: ") and str(mine) in warning
    assert warning.endswith(" Until then the shipped values are shown.")


def test_a_config_py_that_lacks_a_name_is_told_its_line_and_goes_on(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(config, "COPIES")
    ran = library.run("find")
    assert ran.code == 0
    said = 'warning: config.py has no COPIES; add the line COPIES = "whole", as it counts now.'
    assert said in ran.out


def test_a_config_py_of_another_version_is_told_what_to_do(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = dataclasses.make_dataclass("Settings", [("input_dirs", tuple)])
    monkeypatch.setattr(configuration, "Settings", older)
    ran = library.run("find")
    assert (ran.code, ran.out) == (2, "")
    assert "earlier version; put the shipped one back, and give yours by --config" in ran.err


# ---- Quiet


def test_quiet_says_the_last_line_alone(library: Library) -> None:
    loud = library.find("--no-report").out.splitlines()
    assert library.find("--quiet", "--no-report").out.splitlines() == loud[-1:]
    loud = library.check().out.splitlines()
    assert library.check("--quiet").out.splitlines() == loud[-1:]


def test_quiet_says_how_many_went_and_came_back(culled: Library) -> None:
    ran = culled.cleanup("--yes", "--quiet", "--delete-mode", "trash")
    command = f"python main.py --action restore --output-dir {culled.output}"
    assert ran.out == f"Sent to the trash: 2 originals.\nTo undo this, run: {command}\n"
    ran = culled.run("restore", "--quiet")
    back = f"Back in {culled.output}, so that they stay: 2 copies."
    assert ran.out == f"Restored: 2 files.\n{back}\n"


def test_quiet_says_the_number_where_nothing_can_be_undone(culled: Library) -> None:
    (said,) = culled.cleanup("--yes", "--quiet").out.splitlines()
    assert said.startswith("Deleted: 2 originals, ")


def test_quiet_says_of_which_groups_nothing_remains(library: Library) -> None:
    library.find()
    library.delete_copies("vacation1.jpg", "vacation1_old.jpg", "vacation1_copy.jpg")
    library.check("--allow-whole-groups")
    ran = library.cleanup("--allow-whole-groups", "--quiet", "--dry-run")
    assert ran.out.startswith("Groups of which no picture remains: ")


def test_quiet_says_what_went_wrong(library: Library) -> None:
    (library.photos / "broken.jpg").write_bytes(b"broken")
    ran = library.run("find", "--quiet", "--no-report")
    assert ran.code == 1
    first, second, *rest = ran.out.splitlines()
    assert first == "Unreadable files (1):"
    assert second.startswith(f"  {library.photos}/broken.jpg: ")
    assert len(rest) == 1
    refused = library.run("find", "--quiet", "--threshold", "999")
    assert (refused.out, len(refused.err.splitlines())) == ("", 1)
