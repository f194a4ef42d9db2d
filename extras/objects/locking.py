"""Locks in object stores: an object that is made only where there is none."""

import contextlib
import json
import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import fsspec

from config import Exit, UserError
from disk.files import is_url
from extras.objects.stores import S3, TRIES, did_not_match, errors, remedy_for, store_of, why_not

OF_WORK = "lock.json"
OF_BUCKET = ".image-similarity-search.lock"


@contextlib.contextmanager
def locked(work: str) -> Iterator[None]:
    """Hold the lock of a place of work; a second run gets a UserError at once."""
    url = f"{work}/{OF_WORK}"
    store = store_of(url) if is_url(url) else None
    with _on_s3(store, url) if isinstance(store, S3) else _elsewhere(url):
        yield


@contextlib.contextmanager
def buckets_locked(urls: list[str]) -> Iterator[dict[str, str]]:
    """Hold a lock in each bucket of some objects: what stays there must not go by another run.

    What is yielded has the lock's ETag by bucket, by which workers see that it is still held.
    """
    with contextlib.ExitStack() as stack:
        store = S3("s3")
        buckets = sorted({store.parts_of(url)[0] for url in urls})
        yield {one: stack.enter_context(_on_s3(store, lock_of(one))) for one in buckets}


def lock_of(bucket: str) -> str:
    """Where the lock of a bucket lies."""
    return f"s3://{bucket}/{OF_BUCKET}"


def is_held(store: S3, bucket: str, etag: str) -> bool:
    """Whether a bucket's lock is the one of that ETag, which no other one has."""
    return _lies_there(store, lock_of(bucket), etag)


def _lies_there(store: S3, url: str, etag: str) -> bool:
    now = store.now(url)
    return now is not None and now.etag == etag


@dataclass(frozen=True, slots=True)
class Made:
    """A lock that was put; in a bucket without versions it has none."""

    etag: str
    version: str


@contextlib.contextmanager
def _on_s3(store: S3, url: str) -> Iterator[str]:
    """A lock by If-None-Match, once it is sure that the store heeds that; nothing of it stays.

    Its ETag is yielded.
    """
    body = _holder()
    made = [_first(store, url, body)]
    try:
        if again := _put(store, url, body):
            made.append(again)
            raise UserError(
                f"the store of {url} doesn't heed If-None-Match, so two runs at once could delete "
                "what the other one counts on; nothing is done there."
            )
        yield made[0].etag
    finally:
        for one in reversed(made):
            _let_go(store, url, one)


def _first(store: S3, url: str, body: bytes) -> Made:
    """A lock where there was none, though the answer may be lost; UserError if one is taken."""
    unsure: UserError | None = None
    try:
        if made := _put(store, url, body):
            return made
    except UserError as error:
        unsure = error
    holder = _told_of(store, url)
    if holder == body and (now := store.now(url)):
        return Made(now.etag, now.version)
    raise unsure or _in_use(url, holder)


def _put(store: S3, url: str, body: bytes) -> Made | None:
    """A lock that is made where there is none; None if there is one already."""
    bucket, key = store.parts_of(url)
    try:
        put = store.fs.call_s3("put_object", Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
    except errors() as error:
        if isinstance(error, FileExistsError) or did_not_match(error):
            return None
        raise _cannot(url, error) from error
    version = str(put.get("VersionId", "null"))  # where versions are suspended
    return Made(str(put["ETag"]).strip('"'), "" if version == "null" else version)


def _let_go(store: S3, url: str, made: Made) -> None:
    """Remove a lock; a store that doesn't answer is asked again."""
    for _ in range(TRIES):
        with contextlib.suppress(*errors()):
            _remove(store, url, made)
            return


def _remove(store: S3, url: str, made: Made) -> None:
    """Remove a lock: all of it or, where to delete versions is no right, behind a marker.

    If somebody took it for that of a killed run, another one may lie there by now, which stays.
    """
    bucket, key = store.parts_of(url)
    if made.version:
        with contextlib.suppress(PermissionError):
            store.fs.call_s3("delete_object", Bucket=bucket, Key=key, VersionId=made.version)
            return
    if _lies_there(store, url, made.etag):
        store.fs.call_s3("delete_object", Bucket=bucket, Key=key)


@contextlib.contextmanager
def _elsewhere(url: str) -> Iterator[None]:
    """A lock as a file that is made only where there is none."""
    system, path = fsspec.core.url_to_fs(url)
    is_local = "file" in system.protocol
    try:
        if is_local:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "xb") as stream:
                stream.write(_holder())
        else:
            system.pipe_file(path, _holder(), mode="create")
    except FileExistsError:
        raise _in_use(url, system.cat_file(path)) from None
    except errors() as error:
        raise _cannot(url, error) from error
    try:
        yield
    finally:
        with contextlib.suppress(*errors()):
            system.rm_file(path)


def _cannot(url: str, error: Exception) -> UserError:
    remedy = remedy_for(error, url, "to write there")
    return UserError(f"no lock can be put to {url}: {why_not(error)}; {remedy}.")


def _holder() -> bytes:
    """Who holds a lock; no two are the same."""
    told = {"host": socket.gethostname(), "process": os.getpid(), "token": uuid.uuid4().hex}
    return json.dumps(told).encode()


def _told_of(store: S3, url: str) -> bytes:
    with contextlib.suppress(*errors()):
        data: bytes = store.fs.cat_file(store.path_of(url))
        return data
    return b""


def _in_use(url: str, holder: bytes) -> UserError:
    try:
        told = json.loads(holder)
        who = f" (process {told['process']} on {told['host']})"
    except (ValueError, LookupError, TypeError):
        who = ""
    return UserError(
        f"another run holds {url}{who}; wait until it has ended or, if it was killed, remove that.",
        Exit.LOCKED,
    )
