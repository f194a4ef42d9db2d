"""Makes docs/options.md of the tables that the command line is read by.

python tests/options_page.py
"""

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from actions.belonging import every_option, listed_actions, takers  # noqa: E402
from actions.flags import Flag  # noqa: E402
from actions.help import said_of  # noqa: E402
from actions.options import Option  # noqa: E402
from actions.table import ACTIONS, SECTIONS  # noqa: E402

# What the tables name for an action that does nothing with it.
IDLE = {("--protect", "restore")}
PAGE = ROOT / "docs" / "options.md"
INTRODUCTION = """# Options

Made of what the program reads its command line by (`python tests/options_page.py`). The same says
`python main.py --help`, and for one action `python main.py --action find --help`.

Every value in `config.py` has a flag that overrides it; relative paths of `config.py` begin in its
own folder, those of flags in the current one.

An option that an action has no use for is refused. These alone some actions take and do nothing
with, so that a script may give all of them the same flags:

"""
MORE = """
## More exactly

- A pattern of `--exclude` or `--protect` is a name (`*.gif`; `old/` for folders alone) or, with a
  slash in it, the end of a path (`Screenshots/*`), in any case. Both flags add to `config.py`'s.
- A K is 1,000 bytes or pixels, an M 1,000,000. For `--min-pixels` each header is read.
- `--normalise`: `imagenet`, `unit` (0 to 1), `signed` (-1 to 1) or `none` (0 to 255).
- The cache is `image-similarity-search/cache.sqlite` in your cache folder, or nowhere with
  `CACHE_FILE = None` in `config.py`.
- A dry run of `find`, `covered` and `suggest` keeps in the cache what it read, and `find` what it
  compared, unless `--no-cache` is given.
- A review's page is served on 127.0.0.1 alone. A result that was trusted is signed then.
- `--discard-review` replaces a result whose deleted copies were not cleaned up, or that holds what
  may be the last copy of a photo. `--with-companions` takes along what belongs to no other photo.
- `--json` has `"schema": 1`. `--version` says which version this is, and `--help` what stands here.
- A `--config FILE` need only hold what differs from the shipped one; its paths begin in its folder.
  A `config.py` that lacks a name, as one of an earlier version may, is told the line to add.
"""


def lines() -> Iterator[str]:
    """The page, line by line."""
    yield from INTRODUCTION.splitlines()
    for option in every_option():
        if idle := [
            a for a in takers(option) if a not in option.actions or (option.flag, a) in IDLE
        ]:
            yield f"- `{option.flag}`: {', '.join(idle)}"
    yield from ("", "## Actions", "", "| `--action` | takes | what it does |", "|---|---|---|")
    for name, action in ACTIONS.items():
        takes = f"`{action.takes}`" if action.takes else ""
        yield f"| `{name}` | {takes} | {action.does} |"
    for section in SECTIONS:
        yield from ("", f"## {section[0].upper()}{section[1:]}", "")
        yield "| option | in `config.py` | of | what it is | default |"
        yield "|---|---|---|---|---|"
        yield from (row(option) for option in every_option() if option.section == section)


def row(option: Option | Flag) -> str:
    """One option with its place in config.py, its actions, its help and its default."""
    is_value = isinstance(option, Option)
    of = "all" if tuple(option.actions) == tuple(ACTIONS) else listed_actions(option)
    told = f"{option.help}; {option.only}" if option.only else option.help
    default = f"`{said_of(option.default)}`" if isinstance(option, Option) else ""
    cells = (
        f"`{option.flag}{taken(option)}`",
        f"`{option.name}`" if is_value else "",
        of,
        told.replace("|", "\\|"),
        default,
    )
    return f"| {' | '.join(cells)} |"


def taken(option: Option | Flag) -> str:
    """What an option takes, as it is written behind it."""
    if isinstance(option, Option):
        return "" if option.is_switch else f" {option.name}"
    metavar = option.how.get("metavar", "")
    return f" {metavar}" * option.how.get("nargs", 1) if metavar else ""


def page() -> str:
    return "\n".join(lines()) + "\n" + MORE


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
