"""The command line: what it accepts, what it answers, and the exit codes."""

import contextlib
import errno
import gc
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import ROOT, Library, Ran, collect, copy_core, tree

import config
from actions import find
from actions.configuration import constants
from actions.help import parser, said_of
from actions.options import OPTIONS
from actions.table import ACTIONS
from disk.at_once import in_order
from disk.output_lock import locked
from main import main
from pictures.garbage import NEW_OBJECTS, rare_collections


def run(program: Path, *flags: str, **environment: str) -> Ran:
    """Run the program as a process of its own, from another folder."""
    ran = subprocess.run(
        [sys.executable, str(program), *flags],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd="/",
        env={**os.environ, "COLUMNS": "1000", **environment},
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def is_one_line(ran: Ran) -> bool:
    return ran.err.startswith("error: ") and ran.err.count("\n") == 1 and ran.err.endswith("\n")


# ---- Exit codes


def test_each_end_has_its_exit_code(culled: Library) -> None:
    assert culled.cleanup("--dry-run").code == 0
    (culled.photos / "vacation1_old.jpg").write_bytes(b"changed")
    assert culled.cleanup().code == 1  # something was kept
    assert culled.run("find", "--threshold", "256").code == 2  # wrong use
    culled.list_file.unlink()
    assert culled.cleanup().code == 3  # no list to go by
    with locked(str(culled.output)):
        assert culled.check().code == 4  # another run


def test_the_process_ends_with_the_exit_code(library: Library) -> None:
    assert collect(library.start("find", "--dry-run")).code == 0
    assert collect(library.start("cleanup")).code == 3


def unread(*arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code of a run of which nobody reads what it prints, and its stderr."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, str(ROOT / "main.py"), *arguments]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    try:
        ran = subprocess.run(
            command,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
            env=kept | environment,
        )
    finally:
        os.close(writer)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("environment", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["kept", "at_once"])
def test_where_nobody_reads_what_is_printed_it_ends_as_a_shell_expects(
    culled: Library, environment: dict[str, str]
) -> None:
    planned = culled.arguments("cleanup", "--dry-run")
    card = culled.folder / "card"
    card.mkdir()
    shutil.copy(culled.photos / "vacation1_old.jpg", card)
    listed = culled.arguments("covered", str(card), "--list", "identical")
    pages = [["--help"], ["--action", "find", "--help"], ["--version"]]
    for arguments in (planned, [*planned, "--json"], listed, *pages):
        code, said = unread(*arguments, **environment)
        assert (code, "Broken" in said, "Traceback" in said) == (141, False, False), arguments


def test_what_nobody_reads_is_done_all_the_same(culled: Library) -> None:
    doomed = culled.photos / "vacation1_old.jpg"
    assert doomed.exists()
    assert unread(*culled.arguments("cleanup")) == (141, "")
    assert not doomed.exists()


def test_a_failure_that_nobody_reads_has_its_own_exit_code() -> None:
    code, said = unread("--action", "nothing", "--json")
    assert (code, said.count("\n")) == (2, 1)


def test_file_names_that_are_not_utf8_here_are_told_at_once(library: Library) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = run(ROOT / "main.py", *library.arguments("find"), **ascii_only)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: file names are ascii here; run it with PYTHONUTF8=1 set.\n"


def test_unreadable_files_make_exit_code_1_and_are_named(library: Library) -> None:
    for number in range(7):
        (library.photos / f"broken{number}.jpg").write_bytes(b"broken")
    ran = library.run("find", "--json")
    assert ran.code == 1
    facts = ran.facts
    assert (facts["found"], facts["hashed"], len(facts["unreadable"])) == (13, 6, 7)
    assert "Found 13 photos: 6 hashed, 7 unreadable." in ran.err
    assert "... and 2 more, see --verbose" in ran.err
    assert sum("broken" in line for line in library.log()) == 7
    assert "broken6.jpg" in library.run("find", "--verbose").out


# ---- Wrong values


@pytest.mark.parametrize(
    "flags",
    [
        ["--threshold", "-1"],
        ["--threshold", "256"],
        ["--threshold", "forty"],
        ["--threshold", "nan"],
        ["--threshold", "1.5"],
        ["--threshold", ""],
        ["--threshold"],
        ["--workers", "-1"],
        ["--workers", "many"],
        ["--hash-size", "1"],
        ["--hash-size", "65"],
        ["--delete-mode", "shred"],
        ["--input-dir", "/no/such/folder"],
        ["--input-dir", "/no/such\n/folder\x1b[2J"],
        ["--input-dir", __file__],
        ["--input-dir", ""],
        ["--output-dir", ""],
        ["--output-dir", os.path.join(__file__, "output")],
        ["--info-file", "../info.txt"],
        ["--info-file", "1"],
        ["--info-file", "log.txt"],
        ["--to-delete-file", "/tmp/to_delete.txt"],
        ["--log-file", "1/log.txt"],
        ["--exclude", ""],
        ["--no-such-flag"],
        ["find"],
        ["--action", "delete"],
        ["--action"],
    ],
    ids=" ".join,
)
def test_a_wrong_value_ends_with_one_line_and_changes_nothing(
    library: Library, flags: list[str]
) -> None:
    before = tree(library.folder)
    given = ["--input-dir", str(library.photos), "--output-dir", str(library.output)]
    if "--input-dir" in flags:
        given = given[2:]
    ran = library.run_exactly("--action", "find", *given, *flags)
    assert ran.code == 2
    assert ran.out == ""
    assert is_one_line(ran), ran.err
    assert tree(library.folder) == before


def test_the_action_is_required(library: Library) -> None:
    ran = library.run_exactly("--input-dir", str(library.photos))
    assert ran.code == 2
    assert "--action" in ran.err


@pytest.mark.parametrize(
    "flags", [["--act", "find"], ["--action=find", "--thresh=5"], ["--action=find", "--dry"]]
)
def test_abbreviations_are_refused(library: Library, flags: list[str]) -> None:
    input_dir = ["--input-dir", str(library.photos), "--output-dir", str(library.output)]
    assert library.run_exactly(*flags, *input_dir).code == 2
    assert not library.output.exists()


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_an_input_folder_that_can_not_be_read_is_refused(library: Library) -> None:
    library.photos.chmod(0)
    try:
        ran = library.run("find")
    finally:
        library.photos.chmod(0o700)
    assert ran.code == 2
    assert is_one_line(ran)


# ---- Options


def test_several_input_folders_are_searched_together(library: Library) -> None:
    other = library.folder / "other"
    other.mkdir()
    shutil.move(library.photos / "vacation1_old.jpg", other)
    flags = ["--input-dir", str(library.photos), "--input-dir", str(other)]
    groups = library.find("--json", *flags).facts["groups"]
    assert str(other / "vacation1_old.jpg") in groups[0]


def test_relative_folders_on_the_command_line_are_relative_to_where_one_is(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(library.folder)
    library.find("--input-dir", "photos", "--output-dir", "here/output")
    assert (library.folder / "here" / "output" / "info.txt").exists()


def test_the_files_of_a_result_can_have_other_names(library: Library) -> None:
    names = ["--info-file", "map.json", "--to-delete-file", "doomed.txt", "--log-file", "done.txt"]
    library.find(*names)
    info = json.loads((library.output / "map.json").read_text())
    os.unlink(info[str(library.photos / "vacation1_old.jpg")])
    assert library.check(*names).code == 0
    assert library.cleanup(*names).code == 0
    assert not (library.photos / "vacation1_old.jpg").exists()
    files = {path.name for path in library.output.iterdir() if path.is_file()}
    assert files - {"report.html"} == {
        "map.json",
        "doomed.txt",
        "done.txt",
        "image-similarity-search.json",
    }


def test_the_log_can_lie_elsewhere(culled: Library) -> None:
    log = culled.folder / "journal.txt"
    log.write_text("older lines\n")
    before = (culled.output / "log.txt").read_bytes()
    assert culled.cleanup("--log-file", str(log)).code == 0
    assert log.read_text().splitlines() == [
        "older lines",
        *(
            f"Deleted file: {culled.photos}/{n}"
            for n in ("vacation1_copy.jpg", "vacation1_old.jpg")
        ),
    ]
    assert (culled.output / "log.txt").read_bytes() == before


# ---- JSON


def test_json_is_one_object_for_each_action_with_messages_on_stderr(library: Library) -> None:
    ran = library.find("--json")
    facts = ran.facts
    assert (facts["schema"], facts["exit"], facts["action"]) == (1, 0, "find")
    assert (facts["found"], facts["hashed"], facts["copied"]) == (6, 6, 5)
    assert "2 groups" in ran.err

    library.delete_copies("vacation1_old.jpg")
    facts = library.check("--json").facts
    doomed = str(library.photos / "vacation1_old.jpg")
    assert (facts["schema"], facts["exit"], facts["action"]) == (1, 0, "check-deleted")
    assert facts["to_delete"] == [doomed]

    size = os.path.getsize(doomed)
    facts = library.cleanup("--json", "--dry-run").facts
    assert (facts["action"], facts["delete"], facts["bytes"]) == ("cleanup", [doomed], size)
    assert "deleted" not in facts
    facts = library.cleanup("--json").facts
    assert (facts["schema"], facts["exit"], facts["deleted"]) == (1, 0, [doomed])
    assert (facts["freed"], facts["kept"], facts["gone"]) == (size, [], [])


@pytest.mark.parametrize(
    ("action", "flags", "code"),
    [
        ("find", ("--threshold", "256"), 2),
        ("find", ("--threshold", "forty"), 2),
        ("find", ("--no-such-flag",), 2),
        ("delete", (), 2),
        ("check-deleted", (), 3),
        ("cleanup", (), 3),
    ],
)
def test_json_is_one_object_for_errors_too(
    library: Library, action: str, flags: tuple[str, ...], code: int
) -> None:
    ran = library.run(action, "--json", *flags)
    assert ran.code == code
    assert is_one_line(ran)
    facts = ran.facts
    assert (facts["schema"], facts["exit"]) == (1, code)
    assert ran.err == f"error: {facts['error']}\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_can_be_read_whatever_the_encoding_of_the_terminal(
    bare_library: Library, encoding: str
) -> None:
    names = ["é€😀.jpg", os.fsdecode(b"\xff\n.jpg")]
    for number, name in enumerate(names):
        bare_library.add(name, quality=60 + number)
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    ran = collect(bare_library.start("find", "--json", env=environment))
    assert ran.code == 0
    assert sorted(map(os.path.basename, ran.facts["groups"][0])) == sorted(names)


def test_names_of_files_can_not_control_the_terminal(bare_library: Library) -> None:
    bare_library.add("\x1b[2J\n.jpg")
    bare_library.add("b.jpg")
    (bare_library.photos / "\x1b]0;broken\x07.jpg").write_bytes(b"broken")
    ran = bare_library.run("find", "--verbose")
    assert ran.code == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", ran.out + ran.err)


# ---- Help


def options() -> list[str]:
    made = parser(constants(vars(config)))
    return [option for action in made._actions for option in action.option_strings]


def test_help_gives_each_option_with_its_default_and_unit() -> None:
    ran = run(ROOT / "main.py", "--help")
    assert ran.code == 0
    assert ran.err == ""
    texts = [" ".join(text.split()) for text in re.split(r"\n  (?=--)", ran.out)]
    helps = {text.split()[0]: text for text in texts}
    for flag, name in ((option.flag, option.name) for option in OPTIONS):
        value = getattr(config, name)
        default = said_of(value)
        assert f"(default: {default})" in helps[flag]
    assert "in bits" in helps["--threshold"]
    assert "one for each core" in helps["--workers"]
    assert {*helps, "usage:", "-h", "--help"} == {"usage:", *options()}


@pytest.mark.parametrize("page", [[], *(["--action", action] for action in ACTIONS)], ids=str)
def test_help_fits_a_terminal_and_breaks_no_word_that_is_typed(
    page: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        main([*page, "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("usage: main.py --action")
    assert [line for line in lines if len(line) > 80 or line.endswith("-")] == []


def test_version_is_that_of_config() -> None:
    ran = run(ROOT / "main.py", "--version")
    assert (ran.code, ran.out, ran.err) == (0, f"main.py {config.__version__}\n", "")


def test_the_docs_name_every_option() -> None:
    page = (ROOT / "docs/options.md").read_text("utf-8")
    missing = [o for o in options() if o.startswith("--") and not re.search(rf"{o}\b", page)]
    assert missing == []


# ---- config.py, as people edit it


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """A copy of the program whose config.py a test may edit."""
    copy_core(tmp_path)
    return tmp_path


def edit_config(tool: Path, old: str, new: str) -> None:
    path = tool / "config.py"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('OUTPUT_DIR = "output"', "OUTPUT_DIR = output dir", "line"),
        ('OUTPUT_DIR = "output"', 'OUTPUT_DIR = "output', "line"),
        ('OUTPUT_DIR = "output"', "OUTPUT_DIR = output", "output"),
        ('OUTPUT_DIR = "output"', "  OUTPUT_DIR = 'x'", "line"),
        ('OUTPUT_DIR = "output"', "OUTPUT_DIR = 5", "OUTPUT_DIR"),
        ('OUTPUT_DIR = "output"', "OUTPUT_DIR = 'x' + 5", "config.py"),
        ('OUTPUT_DIR = "output"', "OUTPUT_DIR = None", "OUTPUT_DIR"),
        ("THRESHOLD = None", "THRESHHOLD = 40", "did you mean THRESHOLD?"),
        ("THRESHOLD = None", "THRESHOLD = 40\nCOLOUR = 1", "unknown name COLOUR"),
        ("THRESHOLD = None", "THRESHOLD = '40'", "THRESHOLD"),
        ("THRESHOLD = None", "THRESHOLD = True", "THRESHOLD"),
        ("THRESHOLD = None", "THRESHOLD = 40.5", "THRESHOLD"),
        ('DELETE_MODE = "trash"', 'DELETE_MODE = "bin"', "DELETE_MODE"),
        ('INPUT_DIR = "tests/samples"', "INPUT_DIR = []", "INPUT_DIR"),
        ('INPUT_DIR = "tests/samples"', 'INPUT_DIR = "no such folder"', "no such folder"),
        ('    ".git",\n', "    5,\n", "EXCLUDE"),
    ],
)
def test_a_mistake_in_config_ends_with_one_line_that_names_it(
    tool: Path, old: str, new: str, says: str
) -> None:
    edit_config(tool, old, new)
    ran = run(tool / "main.py", "--action", "find", "--json")
    assert ran.code == 2
    assert is_one_line(ran), ran.err
    assert says in ran.err
    facts = ran.facts
    assert (facts["schema"], facts["exit"]) == (1, 2)
    assert ran.err == f"error: {facts['error']}\n"


def test_exclude_that_is_no_list_is_told_in_one_line(tool: Path) -> None:
    path = tool / "config.py"
    text = path.read_text("utf-8").replace("# ---- Nothing", "EXCLUDE = None\n# ---- Nothing", 1)
    path.write_text(text, "utf-8")
    ran = run(tool / "main.py", "--action", "find")
    assert ran.code == 2
    assert is_one_line(ran)
    assert "EXCLUDE" in ran.err


def test_folders_in_config_are_relative_to_it_and_flags_win(tool: Path) -> None:
    edit_config(tool, 'INPUT_DIR = "tests/samples"', 'INPUT_DIR = ["photos", "more"]')
    for folder, sample in (("photos", "2024/cat.jpg"), ("more", "edited/cat_bright.jpg")):
        (tool / folder).mkdir()
        shutil.copy(ROOT / "tests/samples" / sample, tool / folder)
    ran = run(tool / "main.py", "--action", "find", "--json", "--workers", "1")
    assert ran.code == 0
    assert ran.facts["output_dir"] == os.path.realpath(tool / "output")
    assert len(ran.facts["groups"][0]) == 2
    edit_config(tool, 'OUTPUT_DIR = "output"', 'OUTPUT_DIR = "photos"')
    assert run(tool / "main.py", "--action", "check-deleted").code == 3
    output = str(tool / "output")
    assert run(tool / "main.py", "--action", "check-deleted", "--output-dir", output).code == 0


def test_the_two_commands_of_the_readme_work_out_of_the_box(tool: Path) -> None:
    shutil.copytree(ROOT / "tests/samples", tool / "tests/samples")
    ran = run(tool / "main.py", "--action", "find")
    assert ran.code == 0
    assert "3 groups of similar pictures: 10 in all." in ran.out
    assert sorted(os.listdir(tool / "output")) == [
        *"123",
        "image-similarity-search.json",
        "info.txt",
        "log.txt",
    ]


def test_a_run_whose_errors_go_nowhere_does_its_work(library: Library) -> None:
    """With stderr closed Python has none, and a progress bar would write to it."""
    command = [sys.executable, str(ROOT / "main.py"), *library.arguments("find")]
    script = 'exec "$@" 2>&-'
    ran = subprocess.run(["sh", "-c", script, "sh", *command], capture_output=True, check=False)
    assert ran.returncode == 0
    assert len(library.info()) == 5


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 9.9 GiB"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        ImportError("libtiff.so.6: failed to map segment from shared object"),
    ],
)
def test_too_little_memory_is_said_in_one_line(
    error: Exception, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def walk(*_: object) -> None:
        raise error

    monkeypatch.setattr(find, "walk_through", walk)
    ran = library.run("find")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: there is too little memory; close other programs, ")
    assert ran.err.count("\n") == 1
    assert library.run("find", "--json").facts["error"].startswith("there is too little memory")


def test_a_thread_that_can_not_be_started_is_said_in_one_line(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")  # as Python does

    def walk(*_: object) -> None:
        list(in_order(abs, [1, 2], 2))

    monkeypatch.setattr(find, "walk_through", walk)
    with monkeypatch.context() as crowded:
        crowded.setattr(threading.Thread, "start", start)
        ran = library.run("find")
    assert is_one_line(ran)
    assert (ran.code, ran.out) == (2, "")
    assert "can't start new thread; allow more processes (ulimit -u), free some memory" in ran.err


def test_a_bug_shows_its_traceback(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def walk(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(find, "walk_through", walk)
    with pytest.raises(RuntimeError, match="a bug"):
        library.run("find")


def test_find_looks_for_garbage_seldom_and_whoever_called_it_as_before() -> None:
    before = gc.get_threshold()
    with contextlib.suppress(KeyboardInterrupt), rare_collections():
        assert gc.get_threshold() == (NEW_OBJECTS, *before[1:])
        assert gc.isenabled()
        raise KeyboardInterrupt
    assert gc.get_threshold() == before
