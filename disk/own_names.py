"""Names that the program gives to files and folders of its own."""

import os
import re

ASIDE_SUFFIX = ".being-deleted"  # of an original, while cleanup proves that it may go
ASIDE = re.compile(r"\.(.+)\.[0-9a-f]{8}" + re.escape(ASIDE_SUFFIX), re.DOTALL)
MOST_ASIDE_BYTES = 200  # of a name that is kept while its file is set aside

# A folder that holds this file is a result of ours: its copies are not photos to compare.
MANIFEST = "image-similarity-search.json"
# Beside OUTPUT_DIR: the result that find is building, and the one that it has replaced.
BUILDING_SUFFIXES = (".find-new", ".find-old")
REPORT = "report.html"  # the contact sheet that find writes into OUTPUT_DIR


def name_before(aside: str) -> str | None:
    """The name that a file had before it was set aside, or its beginning; None if it is not."""
    match = ASIDE.fullmatch(aside)
    return match and match[1]


def is_cut(name: str) -> bool:
    """Whether a name that a file had may be only the beginning of it."""
    return len(os.fsencode(name)) >= MOST_ASIDE_BYTES
