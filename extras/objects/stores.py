"""Object stores: what lies below a URL, what one object is now, and its bytes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from inspect import signature
from typing import Any

import fsspec
import fsspec.asyn

from config import UserError
from disk.files import ImageFile, is_url
from extras.cluster.access_points import S3_PROTOCOLS
from extras.cluster.files import errors_of_stores
from pictures.by_name import named

REPLACED = "it was replaced since it was listed"
# What tells one content of an object from the next, where a store has no ETag.
TOKENS = ("size", "mtime", "created", "ino", "generation", "md5Hash", "crc32c", "checksum")
TIMES = ("LastModified", "mtime", "last_modified", "updated", "created")
DENIED = ("AccessDenied", "AllAccessDisabled", "403")  # what S3 says where a right is missing
TRIES = 3  # to read an object over a connection that breaks


# What of fsspec shows another store, or several, in another way; and what is its own content.
NO_STORES = ("async_wrapper", "asyncwrapper", "dir", "generic", "data")


@dataclass(frozen=True, slots=True)
class StoredObject(ImageFile):
    """An object by its URL, with what tells its content; a bucket may keep no versions."""

    etag: str = ""
    version: str = ""

    @property
    def known_by(self) -> tuple[str, str, int, int]:
        """What is another one once the object was replaced."""
        return self.etag, self.version, self.size, self.mtime_ns


def as_stored(row: Mapping[str, Any]) -> StoredObject:
    """The object that a row of columns of these names tells of."""
    return StoredObject(**{field.name: row[field.name] for field in fields(StoredObject)})


@dataclass(frozen=True)
class Store:
    """What holds objects, by the beginning of their URLs."""

    protocol: str

    @cached_property
    def fs(self) -> Any:
        return fsspec.filesystem(self.protocol)

    def objects(self, url: str) -> list[StoredObject]:
        """All objects below a URL, in no order, but for empty ones that stand for a folder.

        FileNotFoundError if there is no such place.
        """
        found = self._found(url)
        self._check_told(found)
        return [
            self.object_of(info)
            for name, info in found.items()
            if info["type"] == "file" and (info["size"] or not name.endswith("/"))
        ]

    def _found(self, url: str) -> Mapping[str, Mapping[str, Any]]:
        """What the package for a store lists below a URL; an error of `errors` where it can't."""
        try:
            signature(fsspec.get_filesystem_class(self.protocol).__init__).bind(None)
        except TypeError as error:
            raise OSError(f"{self.protocol}:// needs more than a URL: {error}") from error
        if self.protocol in NO_STORES:
            raise OSError(f"{self.protocol}:// is no store of objects")
        self.fs.invalidate_cache()
        found: Mapping[str, Mapping[str, Any]] = self.fs.find(self.path_of(url), detail=True)
        return found

    def _check_told(self, found: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise OSError unless it is told of all that was found what it takes to know it again."""
        for name, info in found.items():
            for told in ("type", "name", "size"):
                if info.get(told) is None and (told, info.get("type")) != ("size", "directory"):
                    raise OSError(f"{self.protocol}:// doesn't tell the {told} of {name}")

    def object_of(self, info: Mapping[str, Any]) -> StoredObject:
        etag = info.get("ETag") or info.get("etag")
        if not etag:
            tokens = [str(info[name]) for name in TOKENS if name in info]
            etag = hashlib.blake2b("\n".join(tokens).encode(), digest_size=16).hexdigest()
        version = info.get("VersionId") or info.get("generation") or ""
        return StoredObject(
            self.fs.unstrip_protocol(info["name"]),
            int(info["size"]),
            _time_of(next((info[name] for name in TIMES if info.get(name)), 0)),
            etag=str(etag).strip('"'),
            version="" if version == "null" else str(version),
        )

    def now(self, url: str) -> StoredObject | None:
        """What lies at a URL now, if something does."""
        self.fs.invalidate_cache()
        try:
            return self.object_of(self.fs.info(self.path_of(url)))
        except FileNotFoundError:
            return None

    def read(self, one: StoredObject) -> bytes:
        """The bytes of an object as it was listed; OSError where it isn't that any more."""
        data: bytes = self.fs.cat_file(self.path_of(one.path))
        now = self.now(one.path)
        if len(data) != one.size or now is None or now.known_by != one.known_by:
            raise OSError(REPLACED)
        return data

    def path_of(self, url: str) -> str:
        """The name that an object of a URL has in its store."""
        protocol, _, rest = url.partition("://")
        path: str = self.fs._strip_protocol(f"{protocol.lower()}://{rest}")
        return path


@dataclass(frozen=True)
class S3(Store):
    """S3, and what speaks as it does; it knows versions of objects, if a bucket keeps them."""

    @cached_property
    def fs(self) -> Any:
        return fsspec.filesystem(self.protocol, version_aware=True)

    def objects(self, url: str) -> list[StoredObject]:
        try:
            return super().objects(url)
        except PermissionError:  # to list versions is a right of its own
            return Store("s3").objects(url)

    def now(self, url: str) -> StoredObject | None:
        bucket, key = self.parts_of(url)
        try:
            found = self.fs.call_s3("head_object", Bucket=bucket, Key=key)
        except FileNotFoundError:
            return None
        return self.object_of({**found, "size": found["ContentLength"], "name": f"{bucket}/{key}"})

    def parts_of(self, url: str) -> tuple[str, str]:
        """The bucket and the key of a URL."""
        bucket, _, key = url.partition("://")[2].partition("/")
        return bucket, key

    def read(self, one: StoredObject) -> bytes:
        bucket, key = self.parts_of(one.path)
        version = {"VersionId": one.version} if one.version else {}
        wanted = {"Bucket": bucket, "Key": key, "IfMatch": f'"{one.etag}"', **version}
        for left in reversed(range(TRIES)):
            try:
                data: bytes = fsspec.asyn.sync(self.fs.loop, _got, self.fs, wanted)
                break
            except _breaks() as error:
                if not left:
                    raise OSError(f"the connection broke: {why_not(error)}") from error
            except OSError as error:
                if not did_not_match(error):
                    raise
                raise OSError(REPLACED) from error
        if len(data) != one.size:
            raise OSError(REPLACED)
        return data


async def _got(fs: Any, wanted: dict[str, str]) -> bytes:
    """The bytes that a request gets."""
    body = (await fs._call_s3("get_object", **wanted))["Body"]
    try:
        data: bytes = await body.read()
        return data
    finally:
        body.close()


def store_of(url: str) -> Store:
    """The store in which the object of a URL lies."""
    protocol = url.partition("://")[0].lower()
    return S3("s3") if protocol in S3_PROTOCOLS else Store(protocol)


def why_not(error: Exception) -> str:
    """What a store says of what failed there, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def remedy_for(error: Exception, url: str, right: str) -> str:
    """What to do where a place refuses something or doesn't answer; `right` is what that takes."""
    told = getattr(error.__cause__, "response", None) or {}
    code = told.get("Error", {}).get("Code", DENIED[0])
    if isinstance(error, PermissionError) and code in DENIED:  # s3fs calls wrong keys so, too
        return f"it takes the right {right}"
    if is_url(url):
        return (
            "check the address and what the store's client is told by its environment, or run it "
            "again later"
        )
    return "mend that and run it again"


def check_bucket_there(what: str, url: str) -> None:
    """Raise UserError where S3 has no bucket of that name. Changes nothing."""
    store = store_of(url) if is_url(url) else None
    if not isinstance(store, S3):
        return
    bucket, _ = store.parts_of(url)
    try:
        store.fs.call_s3("head_bucket", Bucket=bucket)
    except FileNotFoundError as error:
        raise UserError(
            f"{what} {url}: there is no bucket {bucket}; check how it is written."
        ) from error
    except errors():
        return  # nobody may look


def did_not_match(error: BaseException) -> bool:
    """Whether S3 says that a condition doesn't hold, or that another request is in its way.

    By its status, as s3fs gives what else a store may refuse the same kind and number.
    """
    answer = getattr(error.__cause__, "response", None) or {}
    return answer.get("ResponseMetadata", {}).get("HTTPStatusCode") in (409, 412)


def _breaks() -> tuple[type[Exception], ...]:
    """What is raised where a connection to S3 breaks."""
    breaks: tuple[type[Exception], ...] = named("s3fs.core:S3_RETRYABLE_ERRORS")
    return (*breaks, named("aiohttp:ClientError"))


def errors() -> tuple[type[Exception], ...]:
    """What is raised where a store can't be reached or refuses something."""
    return errors_of_stores()


def _time_of(value: Any) -> int:
    """A moment in nanoseconds."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    seconds = value.timestamp() if isinstance(value, datetime) else float(value)
    return round(seconds * 1e6) * 1000  # a float holds no more
