"""A wrong setting is one line that says what to do, before anything happens."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, SAMPLES, Library, copy_core
from hypothesis import example, given
from hypothesis import strategies as st

import config
from actions.configuration import constants, settings_from
from actions.options import OPTIONS
from config import Exit, Settings, UserError
from disk.own_names import MANIFEST
from finder import check_input

OUT_OF_THE_BOX = constants(vars(config))


def check_input_of(settings: Settings) -> None:
    check_input(settings.input_dirs, settings.output_dir)


def settings(base: Path, **values: object) -> Settings:
    return settings_from({**OUT_OF_THE_BOX, **values}, str(base))


def refusal(base: Path, **values: object) -> str:
    """The one line that refuses some values."""
    with pytest.raises(UserError) as caught:
        check_input_of(settings(base, **values))
    assert caught.value.code is Exit.USAGE
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# ---- Values


@pytest.mark.parametrize(
    ("name", "values", "remedy"),
    [
        ("THRESHOLD", [-1, 256, 40.0, "40", True, [40]], "use a whole number from 0 to 255"),
        (
            "PRESET",
            ["Similar", "", None, 40, ["similar"]],
            "use one of copies, similar, crops, most",
        ),
        ("HASH_SIZE", [1, 65, 0, "16", 16.0], "use a whole number from 2 to 64"),
        ("WORKERS", [-1, 1025, "4", None, False], "use a whole number from 0 to 1024"),
        ("DELETE_MODE", ["Trash", "", None, ["trash"], 1], 'use "trash" or "permanent"'),
        ("INPUT_DIR", [None, 5, "", b"photos", "a\0b"], "use a path in quotes"),
        ("OUTPUT_DIR", [None, 5, "", ["output"], "a\0b"], "use a path in quotes"),
        ("INFO_FILE", [None, "", 1, "a\0b"], "use a path in quotes"),
        ("INFO_FILE", ["sub/info.txt", "/etc/info.txt", "../info.txt", "."], "a plain file name"),
        ("TO_DELETE_FILE", ["sub/list.txt", "..", "1", "23"], "use a plain file name"),
        ("INFO_FILE", [MANIFEST, MANIFEST.upper()], "a plain file name"),
        ("LOG_FILE", ["sub/log.txt", "7", MANIFEST], "use a plain file name"),
        ("LOG_FILE", [".", "..", "/", "/no such folder/log.txt"], "in a folder that exists"),
        ("EXCLUDE", ["@eaDir", None, 5], "use a list of patterns"),
        ("PROTECT", ["/photos", None, 5], "use a list of patterns"),
        ("ACROSS", [1, None, "yes"], "use True or False"),
        ("NO_REPORT", [1, None, "yes"], "use True or False"),
        ("CACHE_FILE", ["cache.db", "photo.jpg", "/"], 'use "auto", None or a path ending'),
        ("CACHE_FILE", ["", 5, "a\0b"], "use a path in quotes"),
    ],
)
def test_a_wrong_value_is_named_with_its_remedy(
    name: str, values: list[object], remedy: str, tmp_path: Path
) -> None:
    for value in values:
        message = refusal(tmp_path, **{name: value})
        assert message.startswith(f"{name} is {value!r}; ")
        assert remedy in message


def test_an_example_fits_the_value_that_is_wrong(tmp_path: Path) -> None:
    assert refusal(tmp_path, EXCLUDE="x").endswith('["@eaDir", ".git"].')
    assert refusal(tmp_path, PROTECT="x").endswith('["/home/me/Best", "*.nef"].')


def test_a_wrong_value_in_a_list_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, INPUT_DIR=[]).startswith("INPUT_DIR is an empty list; ")
    assert refusal(tmp_path, INPUT_DIR=["a", 5]).startswith("INPUT_DIR is 5; ")
    assert refusal(tmp_path, INPUT_DIR=["a", ""]).startswith("INPUT_DIR is ''; ")
    assert refusal(tmp_path, EXCLUDE=[".git", 5]).startswith("EXCLUDE holds 5; ")
    assert refusal(tmp_path, EXCLUDE=[""]).startswith("EXCLUDE holds ''; ")


def test_a_url_that_names_no_bucket_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    for name in ("INPUT_DIR", "PROTECT", "PREFER"):
        for url in ("s3://", "gs:///", "S3:///2024", "file:///"):
            assert refusal(tmp_path, **{name: [url]}).startswith(f"{name} {url} names no bucket; ")


def test_the_threshold_must_fit_the_size_of_the_hash(tmp_path: Path) -> None:
    assert "from 0 to 63" in refusal(tmp_path, HASH_SIZE=8, THRESHOLD=64)
    assert settings(tmp_path, HASH_SIZE=8, THRESHOLD=63).threshold == 63


def test_another_size_of_the_hash_needs_a_threshold(tmp_path: Path) -> None:
    for size in (8, 32):
        message = refusal(tmp_path, HASH_SIZE=size)
        assert message == f"HASH_SIZE is {size}; presets need 16, so set a THRESHOLD."
        assert settings(tmp_path, HASH_SIZE=size, THRESHOLD=10).hash_size == size


def test_the_three_files_must_differ_also_where_case_does_not_count(tmp_path: Path) -> None:
    for same in ({"INFO_FILE": "log.txt"}, {"TO_DELETE_FILE": "INFO.TXT"}):
        assert "three different files" in refusal(tmp_path, **same)
    assert "three different files" in refusal(
        tmp_path, OUTPUT_DIR="out", LOG_FILE=str(tmp_path / "out" / "info.txt")
    )


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text("./~a1\0\n\udcff"),
    st.binary(),
    st.lists(st.one_of(st.none(), st.integers(), st.text("a/*."))),
    st.dictionaries(st.text(), st.text()),
)


@given(st.dictionaries(st.sampled_from(list(OUT_OF_THE_BOX)), ANYTHING))
@example({"INPUT_DIR": "photos\nof mine"})
@example({"INPUT_DIR": "photos\u2028of mine"})
def test_whatever_stands_in_config_py_is_accepted_or_refused_in_one_line(
    values: dict[str, object],
) -> None:
    try:
        check_input_of(settings(ROOT, **values))
    except UserError as error:
        assert error.code is Exit.USAGE
        assert len(str(error).splitlines()) == 1


# ---- Names


def test_an_unknown_name_is_refused_with_the_one_that_was_meant() -> None:
    for name, meant in {
        "TRESHOLD": "THRESHOLD",
        "INPUT_DIRS": "INPUT_DIR",
        "OUTPUT_FOLDER": "OUTPUT_DIR",
        "Threshold": "THRESHOLD",
        "output_dir": "OUTPUT_DIR",
    }.items():
        with pytest.raises(UserError) as caught:
            constants({**vars(config), name: 1})
        assert str(caught.value) == f"config.py: unknown name {name}; did you mean {meant}?"
    with pytest.raises(UserError, match="unknown name COLOUR; remove it"):
        constants({**vars(config), "COLOUR": "red"})


def test_names_of_the_users_own_are_left_alone() -> None:
    mine = {"home": "/home/me", "photos": "/photos", "_folder": "x", "pathlib": sys}
    assert constants({**vars(config), **mine}) == OUT_OF_THE_BOX


def test_a_missing_name_is_as_shipped() -> None:
    for name, shipped in OUT_OF_THE_BOX.items():
        rest = {key: value for key, value in vars(config).items() if key != name}
        folder = os.path.join(str(ROOT), str(shipped))  # also where another file lacks it
        expected = folder if name in ("INPUT_DIR", "OUTPUT_DIR") else shipped
        assert constants(rest) == {**OUT_OF_THE_BOX, name: expected}


def test_the_defaults_are_those_that_config_py_is_shipped_with() -> None:
    assert {option.name: option.default for option in OPTIONS} == OUT_OF_THE_BOX


def test_an_edited_config_py_is_checked_by_the_program(tmp_path: Path) -> None:
    copy_core(tmp_path)
    text = (tmp_path / "config.py").read_text()
    for line, edited, said in (
        ("THRESHOLD = None", "THRESHOLD = 999", "error: THRESHOLD is 999; use a whole number"),
        ("THRESHOLD = None", "TRESHOLD = None", "error: config.py: unknown name TRESHOLD; did you"),
        ('"output"', "output", "error: config.py, line 8: NameError: name 'output' is not"),
        ('"output"', '"output', "error: config.py: "),
        ('"output"', "exit(0)", "error: config.py, line 8: SystemExit: it ends the program; mend"),
    ):
        assert text.count(line) == 1
        (tmp_path / "config.py").write_text(text.replace(line, edited))
        command = [sys.executable, str(tmp_path / "main.py"), "--action", "find"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr.startswith(said)
        assert len(ran.stderr.splitlines()) == 1
        ran = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=120)
        assert (ran.returncode, ran.stdout.partition(" ")[0]) == (0, "usage:")
        told = "warning: config.py" if "config.py" in said else ""
        assert ran.stderr.startswith(told) and len(ran.stderr.splitlines()) == bool(told)
    assert not (tmp_path / "output").exists()


# ---- Folders


def test_out_of_the_box_the_sample_photos_are_compared() -> None:
    given = settings(ROOT)
    check_input_of(given)
    assert given.input_dirs == (str(SAMPLES),)
    assert given.output_dir == str(ROOT / "output")
    assert given.info_file == str(ROOT / "output" / "info.txt")
    assert given.to_delete_file == str(ROOT / "output" / "to_delete.txt")
    assert given.log_file == str(ROOT / "output" / "log.txt")
    assert (given.preset, given.threshold, given.hash_size) == ("similar", None, 16)
    assert given.delete_mode == "trash"
    assert given.workers == os.cpu_count()


def test_relative_folders_lie_beside_config_py_wherever_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    given = settings(tmp_path, INPUT_DIR=["a", "~/b", "/c", "a"], OUTPUT_DIR="out")
    assert given.input_dirs == (str(tmp_path / "a"), str(tmp_path / "home" / "b"), "/c")
    assert given.output_dir == str(tmp_path / "out")


def test_a_path_object_is_as_good_as_a_string(tmp_path: Path) -> None:
    given = settings(tmp_path, INPUT_DIR=tmp_path / "a", OUTPUT_DIR=Path("out"))
    assert (given.input_dirs, given.output_dir) == (
        (str(tmp_path / "a"),),
        str(tmp_path / "out"),
    )


def test_the_log_may_lie_elsewhere(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert settings(tmp_path, OUTPUT_DIR="out", LOG_FILE=str(log)).log_file == str(log)
    inside = tmp_path / "out" / "log.txt"
    assert settings(tmp_path, OUTPUT_DIR="out", LOG_FILE=str(inside)).log_file == str(inside)


def test_an_input_folder_must_be_there_and_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "missing"
    assert refusal(tmp_path, INPUT_DIR=str(missing)).startswith(f"INPUT_DIR {missing} is not a")
    file = tmp_path / "photo.jpg"
    file.touch()
    assert refusal(tmp_path, INPUT_DIR=["/", str(file)]).startswith(f"INPUT_DIR {file} is not a")
    # The superuser may read everything, so the system is made to say no.
    monkeypatch.setattr(os, "access", lambda *_: False)
    message = refusal(tmp_path, INPUT_DIR=str(tmp_path), OUTPUT_DIR="out")
    assert message == f"INPUT_DIR {tmp_path} can't be read; check its permissions."


def test_output_inside_input_is_allowed(tmp_path: Path) -> None:
    check_input_of(settings(tmp_path, INPUT_DIR=str(tmp_path), OUTPUT_DIR="out"))
    (tmp_path / "out").mkdir()
    check_input_of(settings(tmp_path, INPUT_DIR=str(tmp_path), OUTPUT_DIR="out"))
    (tmp_path / "photos").mkdir()
    check_input_of(settings(tmp_path, INPUT_DIR="photos", OUTPUT_DIR="photos2"))


def test_input_in_or_equal_to_output_is_refused_by_whatever_way_it_is_named(
    tmp_path: Path,
) -> None:
    photos = tmp_path / "out" / "photos"
    photos.mkdir(parents=True)
    link, into = tmp_path / "link", tmp_path / "into"
    link.symlink_to("out")
    into.symlink_to(photos)
    for output_dir in ("out", "link", "out/photos/..", "link/../out/."):
        for input_dir in (
            "out",
            "link",
            "out/photos",
            "link/photos",
            "into",
            "out/photos/../photos",
        ):
            for several in (input_dir, [str(tmp_path.parent), input_dir]):
                message = refusal(tmp_path, INPUT_DIR=several, OUTPUT_DIR=output_dir)
                assert "lies inside OUTPUT_DIR" in message
                assert "choose another OUTPUT_DIR" in message


def test_input_in_output_is_refused_where_only_the_file_system_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a bind mount: two real paths, one folder."""
    mounted, out = tmp_path / "mounted", tmp_path / "out"
    (mounted / "photos").mkdir(parents=True)
    out.mkdir()
    samefile = os.path.samefile

    def by_mount(one: str, other: str) -> bool:
        return {one, other} == {str(mounted), str(out)} or samefile(one, other)

    monkeypatch.setattr(os.path, "samefile", by_mount)
    for input_dir in ("mounted", "mounted/photos"):
        assert "lies inside" in refusal(tmp_path, INPUT_DIR=input_dir, OUTPUT_DIR="out")


# ---- The command line


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--threshold", "256"], "THRESHOLD is 256; use a whole number from 0 to 255."),
        (["--threshold", "many"], "--threshold: invalid int value: 'many'"),
        (["--thresh", "3"], "--thresh is no option; did you mean --threshold?"),
        (["--preset", "strict"], "PRESET is 'strict'; use one of copies, similar, crops, most."),
        (["--preset", "copies", "--threshold", "40"], "exclude each other; give one of them."),
        (["--hash-size", "8"], "HASH_SIZE is 8; presets need 16, so set a THRESHOLD."),
        (["--hash-size", "1"], "HASH_SIZE is 1"),
        (["--delete-mode", "burn"], "DELETE_MODE is 'burn'"),
        (["--info-file", "sub/info.txt"], "INFO_FILE is 'sub/info.txt'"),
        (["--input-dir", ""], "INPUT_DIR"),
        (["--input-dir", "missing\nfolder"], "missing\\nfolder is not a folder; check the path"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_2(flags: list[str], said: str, library: Library) -> None:
    ran = library.run("find", *flags)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert not library.output.exists()


# ---- The cache


def test_the_cache_lies_in_the_users_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    expected = tmp_path / "image-similarity-search" / "cache.sqlite"
    assert settings(tmp_path).cache_file == str(expected)
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert settings(tmp_path).cache_file == str(
        tmp_path / ".cache" / expected.relative_to(tmp_path)
    )
    monkeypatch.setattr("sys.platform", "darwin")
    place = tmp_path / "Library" / "Caches" / expected.relative_to(tmp_path)
    assert settings(tmp_path).cache_file == str(place)


def test_without_a_home_there_is_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or it would lie in a folder "~" of where one happens to be."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert settings(tmp_path).cache_file is None


def test_a_cache_is_where_config_says_or_nowhere(tmp_path: Path) -> None:
    assert settings(tmp_path, CACHE_FILE=None).cache_file is None
    assert settings(tmp_path, CACHE_FILE="mine.sqlite").cache_file == str(tmp_path / "mine.sqlite")


def test_a_cache_in_the_output_folder_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, OUTPUT_DIR="out", CACHE_FILE="out/cache.sqlite")
    assert (
        message == f"CACHE_FILE {tmp_path}/out/cache.sqlite lies in OUTPUT_DIR; put it elsewhere."
    )


@pytest.mark.parametrize(
    ("given", "means"),
    [
        (0, 0),
        (500, 500),
        ("20K", 20_000),
        ("1.5MB", 1_500_000),
        ("2 gb", 2 * 10**9),
        ("7b", 7),
        ("1.0001k", 1001),
    ],
)
def test_an_amount_of_bytes_may_have_a_unit(given: object, means: int, tmp_path: Path) -> None:
    assert settings(tmp_path, MIN_SIZE=given).min_size == means


@pytest.mark.parametrize(
    "given", ["20Q", "-5", "1,5MB", "K", "", True, None, "100x100", "1MiB", "\u0663"]
)
@pytest.mark.parametrize("name", ["MIN_SIZE", "MIN_PIXELS"])
def test_what_is_no_amount_is_refused(given: object, name: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, **{name: given}).startswith(f"{name} is {given!r}; use a whole number")
