"""The values of config.py and of the flags, checked, as the settings of a run."""

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence

from config import Settings, UserError
from disk.own_names import BUILDING_SUFFIXES, REPORT, RESULT_MARKER
from disk.user_folders import CACHE_SUFFIX, default_cache_file

DELETE_MODES = ("trash", "permanent")
PRESETS = ("copies", "similar", "crops")
METHODS = ("hash", "embeddings", "both")
MODELS = {"sscd-distilled": "sscd_distilled", "sscd": "sscd"}  # and their names in their package
NORMALISATIONS = ("imagenet", "unit", "signed", "none")
MAX_MODEL_SIDE = 2048
PRESET_HASH_SIZE = 16
MAX_HASH_SIZE = 64


def constants(module: Mapping[str, object]) -> dict[str, object]:
    """The values of an edited config.py; an unknown or missing name is a `UserError`."""
    known = [field.upper().replace("INPUT_DIRS", "INPUT_DIR") for field in Settings.__slots__]
    for name in sorted(module.keys() - {*known}):
        likeness = 0.6 if name.isupper() else 0.85  # other names may be the user's own
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=likeness)
        is_value = not name.startswith("_") and isinstance(module[name], (str, int, list, tuple))
        if name.isupper() or (near and is_value):
            hint = f"did you mean {near[0]}?" if near else "remove it."
            raise UserError(f"config.py: unknown name {name}; {hint}")
    for name in known:
        if name not in module:
            raise UserError(f"config.py: {name} is missing; add a line {name} = ...")
    return {name: module[name] for name in known}


def settings_from(values: Mapping[str, object], base: str) -> Settings:
    """Check the values of config.py (as overridden by flags).

    Relative folders are relative to `base`. Raises UserError for the first wrong value.
    """
    hash_size = _whole_number(values, "HASH_SIZE", 2, MAX_HASH_SIZE)
    output_dir = os.path.realpath(_path(values["OUTPUT_DIR"], "OUTPUT_DIR", base))
    if output_dir.endswith(BUILDING_SUFFIXES):
        raise UserError(f"OUTPUT_DIR {output_dir} has a name that find uses; choose another.")
    files = {name: _file_in(output_dir, values, name) for name in ("INFO_FILE", "TO_DELETE_FILE")}
    files["LOG_FILE"] = _file_in(output_dir, values, "LOG_FILE", elsewhere=True)
    if len({path.casefold() for path in files.values()}) < len(files):
        raise UserError("INFO_FILE, TO_DELETE_FILE and LOG_FILE must be three different files.")
    delete_mode = values["DELETE_MODE"]
    if delete_mode not in DELETE_MODES:
        raise UserError(f'DELETE_MODE is {delete_mode!r}; use "trash" or "permanent".')
    return Settings(
        input_dirs=_folders(values["INPUT_DIR"], base),
        output_dir=output_dir,
        info_file=files["INFO_FILE"],
        to_delete_file=files["TO_DELETE_FILE"],
        log_file=files["LOG_FILE"],
        preset=_preset(values, hash_size),
        threshold=_threshold(values, hash_size),
        hash_size=hash_size,
        method=_method(values),
        model=_model(values["MODEL"], base),
        cosine=_cosine(values["COSINE"]),
        model_side=_whole_number(values, "MODEL_SIDE", 16, MAX_MODEL_SIDE),
        normalise=_one_of(values, "NORMALISE", NORMALISATIONS),
        workers=_whole_number(values, "WORKERS", 0, 1024) or os.cpu_count() or 1,
        exclude=_patterns(values["EXCLUDE"]),
        cache_file=_cache_file(values["CACHE_FILE"], base, output_dir),
        delete_mode=str(delete_mode),
        prefer=_folders(values["PREFER"], base, "PREFER") if values["PREFER"] else (),
    )


def check_input(settings: Settings) -> None:
    """Refuse input folders that can't be read or that OUTPUT_DIR would endanger. Changes nothing.

    OUTPUT_DIR inside an input folder is allowed; the walk leaves it out.
    """
    for folder in settings.input_dirs:
        if not os.path.isdir(folder):
            raise UserError(f"INPUT_DIR {folder} is not a folder; check the path, or mount it.")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise UserError(f"INPUT_DIR {folder} can't be read; check its permissions.")
        if _contains(settings.output_dir, folder):
            raise UserError(
                f"INPUT_DIR {folder} lies inside OUTPUT_DIR {settings.output_dir}; "
                "choose another OUTPUT_DIR."
            )


def check_prefer(settings: Settings) -> None:
    """Refuse a preferred folder that isn't there: other pictures would go. Changes nothing."""
    for folder in settings.prefer:
        if not os.path.isdir(folder):
            raise UserError(f"PREFER {folder} is not a folder; check the path, or mount it.")


def _contains(outer: str, inner: str) -> bool:
    """Whether `inner` is `outer` or lies below it, by name or by identity (bind mounts, case)."""
    while True:
        if inner == outer or (os.path.exists(outer) and os.path.samefile(inner, outer)):
            return True
        parent = os.path.dirname(inner)
        if parent == inner:
            return False
        inner = parent


def _whole_number(values: Mapping[str, object], name: str, least: int, most: int) -> int:
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UserError(f"{name} is {value!r}; use a whole number from {least} to {most}.")
    return value


def _threshold(values: Mapping[str, object], hash_size: int) -> int | None:
    if values["THRESHOLD"] is None:
        return None
    return _whole_number(values, "THRESHOLD", 0, hash_size**2 - 1)


def _preset(values: Mapping[str, object], hash_size: int) -> str:
    preset = values["PRESET"]
    if preset not in PRESETS:
        raise UserError(f"PRESET is {preset!r}; use one of {', '.join(PRESETS)}.")
    if values["THRESHOLD"] is None and hash_size != PRESET_HASH_SIZE:
        raise UserError(
            f"HASH_SIZE is {hash_size}; presets need {PRESET_HASH_SIZE}, so set a THRESHOLD."
        )
    return str(preset)


def _method(values: Mapping[str, object]) -> str:
    method = _one_of(values, "METHOD", METHODS)
    if method != "hash" and values["THRESHOLD"] is not None:
        raise UserError(
            f'METHOD is {method!r}; a THRESHOLD is for "hash" alone; leave one of them.'
        )
    return method


def _model(value: object, base: str) -> str:
    if isinstance(value, str) and value in MODELS:
        return value
    return os.path.realpath(_path(value, "MODEL", base))


def _cosine(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        raise UserError(f"COSINE is {value!r}; use a number above 0 and up to 1.")
    return float(value)


def _one_of(values: Mapping[str, object], name: str, choices: Sequence[str]) -> str:
    if values[name] not in choices:
        raise UserError(f"{name} is {values[name]!r}; use one of {', '.join(choices)}.")
    return str(values[name])


def _path(value: object, name: str, base: str) -> str:
    if not isinstance(value, (str, os.PathLike)) or not str(value) or "\0" in str(value):
        raise UserError(f"{name} is {value!r}; use a path in quotes.")
    return os.path.join(base, os.path.expanduser(os.fspath(value)))


def _folders(value: object, base: str, name: str = "INPUT_DIR") -> tuple[str, ...]:
    several = value if isinstance(value, (list, tuple)) else [value]
    if not several:
        raise UserError("INPUT_DIR is an empty list; name at least one folder.")
    real = (os.path.realpath(_path(folder, name, base)) for folder in several)
    return tuple(dict.fromkeys(real))


def _file_in(
    output_dir: str, values: Mapping[str, object], name: str, *, elsewhere: bool = False
) -> str:
    """The path of a file of ours, which must lie directly in OUTPUT_DIR unless `elsewhere`."""
    path = os.path.abspath(_path(values[name], name, output_dir))
    folder, file_name = os.path.split(path)
    folder = os.path.realpath(folder)
    ours = file_name.isdigit() or file_name.casefold() in (RESULT_MARKER, REPORT)
    if folder == output_dir and not ours:
        return os.path.join(output_dir, file_name)
    if elsewhere and not _contains_by_name(output_dir, folder):
        path = os.path.join(folder, file_name)
        if path == output_dir or os.path.isdir(path) or not os.path.isdir(folder):
            raise UserError(f"{name} is {values[name]!r}; name a file in a folder that exists.")
        return path
    raise UserError(f"{name} is {values[name]!r}; use a plain file name, it lies in OUTPUT_DIR.")


def _cache_file(value: object, base: str, output_dir: str) -> str | None:
    """The path of the cache; its ending makes sure that it is no photo or text of the user's."""
    if value is None:
        return None
    path = default_cache_file() if value == "auto" else _path(value, "CACHE_FILE", base)
    if not os.path.isabs(path):
        return None  # nobody's home, as in some containers
    path = os.path.realpath(path)
    if value != "auto" and (not path.endswith(CACHE_SUFFIX) or os.path.isdir(path)):
        raise UserError(f'CACHE_FILE is {value!r}; use "auto", None or a path ending in .sqlite.')
    if _contains_by_name(output_dir, path):
        raise UserError(f"CACHE_FILE {path} lies in OUTPUT_DIR; put it elsewhere.")
    return path


def _contains_by_name(outer: str, inner: str) -> bool:
    return os.path.commonpath([outer, inner]) == outer


def _patterns(value: object) -> tuple[str, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str):
        raise UserError(f'EXCLUDE is {value!r}; use a list of patterns, ["@eaDir", ".git"].')
    patterns = tuple(value)
    for pattern in patterns:
        if not isinstance(pattern, str) or not pattern:
            raise UserError(f"EXCLUDE holds {pattern!r}; use patterns in quotes.")
    return patterns
