"""The checks of the values that people set: each gives the checked value, or raises UserError."""

import glob
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from actions.near import did_you_mean
from config import UserError
from disk import system
from disk.files import check_names_something, is_url
from disk.own_names import BUILDING_SUFFIXES, MANIFEST, REPORT
from disk.user_folders import CACHE_SUFFIX, default_cache_file
from pictures.choices import METHODS

DELETE_MODES = ("trash", "permanent")
PRESETS = ("copies", "similar", "crops", "most")
MODELS = {"sscd-distilled": "sscd_distilled", "sscd": "sscd"}  # and their names in their package
NORMALISATIONS = ("imagenet", "unit", "signed", "none")
MAX_MODEL_SIDE = 2048
PRESET_HASH_SIZE = 16
MAX_HASH_SIZE = 64
LISTED = {"EXCLUDE": '["@eaDir", ".git"]', "PROTECT": '["/home/me/Best", "*.nef"]'}
THOUSANDS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


@dataclass(frozen=True, slots=True)
class Values:
    """What people set, by its name in config.py; relative folders are relative to `base`."""

    by_name: Mapping[str, object]
    base: str

    def __getitem__(self, name: str) -> object:
        return self.by_name[name]


# The checked value of a name.
Check = Callable[[Values, str], object]


# ---- Folders and files


def input_dirs(values: Values, name: str) -> tuple[str, ...]:
    """One or more folders, absolute and real, or URLs of object stores as they are."""
    given = values[name]
    several = given if isinstance(given, (list, tuple)) else [given]
    if not several:
        raise UserError("INPUT_DIR is an empty list; name at least one folder.")
    return tuple(dict.fromkeys(_folder(folder, name, values.base) for folder in several))


def _folder(given: object, name: str, base: str) -> str:
    url = str(given)
    check_names_something(name, url)
    return url.rstrip("/") if is_url(url) else os.path.realpath(_path(given, name, base))


def folders_or_none(values: Values, name: str) -> tuple[str, ...]:
    return input_dirs(values, name) if values[name] else ()


def output_dir(values: Values, name: str = "OUTPUT_DIR") -> str:
    folder = os.path.realpath(_path(values[name], name, values.base))
    if folder.endswith(BUILDING_SUFFIXES):
        raise UserError(f"OUTPUT_DIR {folder} has a name that find uses; choose another.")
    return folder


def own_file(values: Values, name: str) -> str:
    """The path of a file of ours, which must lie directly in OUTPUT_DIR."""
    return _file_in(output_dir(values), values, name)


def log_file(values: Values, name: str) -> str:
    """The path of the log, which may lie elsewhere, but must not be another file of ours."""
    path = _file_in(output_dir(values), values, name, elsewhere=True)
    files = [path, *(own_file(values, other) for other in ("INFO_FILE", "TO_DELETE_FILE"))]
    if len({path.casefold() for path in files}) < len(files):
        raise UserError("INFO_FILE, TO_DELETE_FILE and LOG_FILE must be three different files.")
    return path


def cache_file(values: Values, name: str) -> str | None:
    """The path of the cache; its ending makes sure that it is no photo or text of the user's."""
    value = values[name]
    if value is None:
        return None
    path = default_cache_file() if value == "auto" else _path(value, name, values.base)
    if not os.path.isabs(path):
        return None  # nobody's home, as in some containers
    path = os.path.realpath(path)
    if value != "auto" and (not path.endswith(CACHE_SUFFIX) or os.path.isdir(path)):
        raise UserError(f'CACHE_FILE is {value!r}; use "auto", None or a path ending in .sqlite.')
    if system.lies_in(path, output_dir(values)):
        raise UserError(f"CACHE_FILE {path} lies in OUTPUT_DIR; put it elsewhere.")
    return path


def file_or_none(values: Values, name: str) -> str | None:
    return None if values[name] is None else _path(values[name], name, values.base)


def patterns(values: Values, name: str) -> tuple[str, ...]:
    given = values[name]
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise UserError(f"{name} is {given!r}; use a list of patterns, {LISTED[name]}.")
    found = tuple(given)
    for pattern in found:
        if not isinstance(pattern, str) or not pattern:
            raise UserError(f"{name} holds {pattern!r}; use patterns in quotes.")
    return found


def protect(values: Values, name: str) -> tuple[str, ...]:
    """What is protected: absolute and real paths, and patterns; there or not."""
    entries = patterns(values, name)
    given = (one for entry in entries for one in protected_by(entry, name, values.base))
    return tuple(dict.fromkeys(given))


def protected_by(entry: str, name: str, base: str) -> list[str]:
    """The real path that an entry is, as one that is there; else its pattern.

    A pattern may begin in any folder, or it begins with a real path: where it is absolute, has "."
    or ".." as its first folders, or a link on its way; the folder is then that of `base`.
    """
    check_names_something(name, entry)
    if is_url(entry):
        return [entry.rstrip("/")]
    place = _path(entry, name, base)
    if not glob.has_magic(entry) or os.path.lexists(place):
        return [os.path.realpath(place)]
    head, rest = _split_pattern(os.path.expanduser(entry), base)
    if ".." in rest:
        raise UserError(f"{name} {entry} has .. behind a pattern; write it without the ..")
    folder = os.path.realpath(os.path.join(base, os.sep.join([*head, ""])))
    from_there = os.path.join(glob.escape(folder), *rest)
    if {"", ".", ".."} & {*head[:1]} or ".." in head:
        return [from_there]
    anywhere = os.path.join(*map(glob.escape, head), *rest)
    by_link = os.path.exists(folder) and folder != os.path.join(os.path.realpath(base), *head)
    return [anywhere, from_there] if head and by_link else [anywhere]


def _split_pattern(pattern: str, base: str) -> tuple[list[str], list[str]]:
    """The folders with which a pattern begins, by their names, and what follows them.

    A name with brackets is that of a folder if there is one. Of a doubled slash one counts.
    """
    first, *others = pattern.split(os.sep)
    names = [first, *(name for name in others[:-1] if name not in ("", ".")), *others[-1:]]
    for count, name in enumerate(names):
        place = os.path.join(base, os.sep.join(names[: count + 1]))
        if glob.has_magic(name) and not os.path.lexists(place):
            return names[:count], names[count:]
    return names, []


def _path(value: object, name: str, base: str) -> str:
    if not isinstance(value, (str, os.PathLike)) or not str(value) or "\0" in str(value):
        raise UserError(f"{name} is {value!r}; use a path in quotes.")
    return os.path.join(base, os.path.expanduser(os.fspath(value)))


def _file_in(output_dir: str, values: Values, name: str, *, elsewhere: bool = False) -> str:
    """The path of a file of ours, which must lie directly in OUTPUT_DIR unless `elsewhere`."""
    path = os.path.abspath(_path(values[name], name, output_dir))
    folder, file_name = os.path.split(path)
    folder = os.path.realpath(folder)
    ours = file_name.isdigit() or file_name.casefold() in (MANIFEST, REPORT)
    if folder == output_dir and not ours:
        return os.path.join(output_dir, file_name)
    if elsewhere and not system.lies_in(folder, output_dir):
        path = os.path.join(folder, file_name)
        if path == output_dir or os.path.isdir(path) or not os.path.isdir(folder):
            raise UserError(f"{name} is {values[name]!r}; name a file in a folder that exists.")
        return path
    raise UserError(f"{name} is {values[name]!r}; use a plain file name, it lies in OUTPUT_DIR.")


def check_prefer(prefer: Iterable[str]) -> None:
    """Refuse a preferred folder that isn't there: other pictures would go. Changes nothing."""
    for folder in prefer:
        if not os.path.isdir(folder):
            raise UserError(f"PREFER {folder} is not a folder; check the path, or mount it.")


def check_protect(protect: Iterable[str], output_dir: str) -> None:
    """Refuse a protected path that isn't there: a typo would protect nothing. Changes nothing."""
    for entry in protect:
        if is_url(entry):
            continue  # who knows object stores looks there
        if glob.has_magic(entry) and not (os.path.isabs(entry) and os.path.lexists(entry)):
            continue
        if not os.path.lexists(entry):
            raise UserError(f"PROTECT {entry} doesn't exist; check the path, or mount it.")
        if system.lies_in(entry, output_dir):
            raise UserError(
                f"PROTECT {entry} lies in OUTPUT_DIR, which is find's; protect the originals."
            )


# ---- How pictures are compared


def threshold(values: Values, name: str) -> int | None:
    """A number of bits, or None for a preset; what else is set must fit that."""
    size = hash_size(values)
    if values[name] is None:
        if size != PRESET_HASH_SIZE:
            raise UserError(
                f"HASH_SIZE is {size}; presets need {PRESET_HASH_SIZE}, so set a THRESHOLD."
            )
        return None
    method = values["METHOD"]
    if method in METHODS and method != "hash":
        raise UserError(
            f'METHOD is {method!r}; a THRESHOLD is for "hash" alone; leave one of them.'
        )
    return whole_number(0, size**2 - 1)(values, name)


def hash_size(values: Values, name: str = "HASH_SIZE") -> int:
    return whole_number(2, MAX_HASH_SIZE)(values, name)


def model(values: Values, name: str) -> str:
    """The name of a model that a package brings, or the path of a file."""
    given = values[name]
    if isinstance(given, str) and given in MODELS:
        return given
    return os.path.realpath(_path(given, name, values.base))


def cosine(values: Values, name: str) -> float:
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        raise UserError(f"{name} is {value!r}; use a number above 0 and up to 1.")
    return float(value)


def workers(values: Values, name: str) -> int:
    return whole_number(0, 1024)(values, name) or os.cpu_count() or 1


def truth(values: Values, name: str) -> bool:
    value = values[name]
    if not isinstance(value, bool):
        raise UserError(f"{name} is {value!r}; use True or False.")
    return value


def delete_mode(values: Values, name: str) -> str:
    if values[name] not in DELETE_MODES:
        hint = did_you_mean(values[name], DELETE_MODES)
        raise UserError(f'{name} is {values[name]!r}; use "trash" or "permanent"{hint}')
    return str(values[name])


def one_of(choices: Collection[str]) -> Callable[[Values, str], str]:
    def check(values: Values, name: str) -> str:
        if values[name] not in choices:
            hint = did_you_mean(values[name], choices)
            raise UserError(f"{name} is {values[name]!r}; use one of {', '.join(choices)}{hint}")
        return str(values[name])

    return check


def amount(unit: str) -> Callable[[Values, str], int]:
    """How a number of bytes ("b") or pixels ("p") is written: 20000, "20K", "1.5MB", "0.5MP"."""
    form = rf"(\d+)(?:\.(\d+))? ?([kmg]?){unit}?"
    examples = '"20K" or "1.5MB"' if unit == "b" else '"0.5MP"'

    def check(values: Values, name: str) -> int:
        value = values[name]
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        match = re.fullmatch(form, str(value).strip(), re.IGNORECASE | re.ASCII)
        if not match:
            raise UserError(f"{name} is {value!r}; use a whole number, {examples}.")
        whole, decimals, thousands = match.groups("")
        parts: int = 10 ** len(decimals)
        return -(-int(whole + decimals) * THOUSANDS[thousands.lower()] // parts)  # rounded up

    return check


def whole_number(least: int, most: int) -> Callable[[Values, str], int]:
    def check(values: Values, name: str) -> int:
        value = values[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise UserError(f"{name} is {value!r}; use a whole number from {least} to {most}.")
        return value

    return check


def positive(text: str) -> int:
    """A number of a flag that is 1 or more; ValueError for anything else."""
    if not is_group(text):
        raise ValueError(text)
    return int(text)


def is_group(text: str) -> bool:
    """Whether a text is the number of a group, as its folder has it."""
    return re.fullmatch("[1-9][0-9]{0,8}", text) is not None
