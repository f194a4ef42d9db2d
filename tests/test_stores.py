"""What a walk says of a URL that fsspec takes, and that can't be walked all the same."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Library

pytest.importorskip("distributed", reason="pip install -r extras/cluster/requirements.txt")
pytest.importorskip("pyarrow", reason="pip install -r extras/cluster/requirements.txt")
pytest.importorskip("aiohttp", reason="pip install -r extras/cluster/requirements.txt")

from config import UserError
from extras.objects import listing
from extras.objects.stores import NO_STORES, Store


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def site(folder: Path) -> Iterator[str]:
    """A web site that lists a folder."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder))
    threading.Thread(target=server.serve_forever).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_web_site_is_refused_in_one_line(library: Library) -> None:
    library.add("cat.jpg")
    flags = ("--engine", "dask", "--work", str(library.folder / "work"), "--dry-run")
    with site(library.photos) as url:
        ran = library.run("find", *flags, "--input-dir", url)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert f"INPUT_DIR {url} can't be listed: http:// doesn't tell the size of " in ran.err


@pytest.mark.parametrize("lacking", ["name", "size", "type"])
def test_a_store_that_does_not_tell_what_an_object_is_is_refused(
    lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"name": "/a.jpg", "size": 9, "type": "file"}

    def found(*_: object, **__: object) -> dict[str, Any]:
        return {"/a.jpg": {name: value for name, value in told.items() if name != lacking}}

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.find", found)
    with pytest.raises(UserError, match=f"memory:// doesn't tell the {lacking} of /a.jpg"):
        list(listing.walk(["memory://some"], [], [], 0))


@pytest.mark.parametrize("protocol", ["ftp", "github", "webhdfs", "reference"])
def test_a_store_that_takes_more_than_a_url_is_refused_with_what_it_takes(protocol: str) -> None:
    needs = rf"can't be listed: {protocol}:// needs more than a URL: missing a required argument"
    with pytest.raises(UserError, match=needs):
        list(listing.walk([f"{protocol}://place/some"], [], [], 0))


@pytest.mark.parametrize("url", ["data://some", "dir:///some", "generic://some/thing"])
def test_what_lists_nothing_by_a_url_alone_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(UserError, match=rf"INPUT_DIR {url} can't be listed: .*; check the addr"):
        list(listing.walk([url], [], [], 0))


@pytest.mark.parametrize("protocol", NO_STORES)
def test_what_is_no_store_is_refused(protocol: str) -> None:
    with pytest.raises(UserError, match=f"{protocol}:// is no store of objects"):
        list(listing.walk([f"{protocol}://some/thing"], [], [], 0))


def test_a_bug_behind_a_store_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*_: object, **__: object) -> int:
        return len(None)  # type: ignore[arg-type]

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.find", found)
    with pytest.raises(TypeError):
        list(listing.walk(["memory://some"], [], [], 0))


def test_a_bug_of_ours_in_a_walk_shows_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"some")
    monkeypatch.setattr(Store, "object_of", lambda *_: len(None))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        list(listing.walk([f"file://{tmp_path}"], [], [], 0))
