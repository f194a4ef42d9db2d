"""Where the program keeps what belongs to a user and to no result."""

import os

from disk import system

CACHE_SUFFIX = ".sqlite"


def default_cache_file() -> str:
    """Where the cache lies unless told otherwise: the user's folder for such files."""
    folder = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(folder):
        folder = os.path.expanduser("~/Library/Caches" if system.is_mac() else "~/.cache")
    return os.path.join(folder, "image-similarity-search", "cache" + CACHE_SUFFIX)
