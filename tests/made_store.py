"""An object store on this machine for the tests, which speaks as S3 does."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from disk.files import ImageFile
from extras.objects.hashing import Measured, hashed_and_sized
from pictures.recipe import Recipe

HERE = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",  # where credentials are looked for at last
}


@contextlib.contextmanager
def store_here() -> Iterator[Any]:
    """A client of a store with nothing in it, which all that reads the environment uses, too."""
    s3fs = pytest.importorskip("s3fs", reason="pip install -r extras/cluster/requirements.txt")
    server = pytest.importorskip("moto.server", reason="pip install -r tests/requirements.txt")
    boto3 = pytest.importorskip("boto3")
    store = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    store.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            host, port = store.get_host_and_port()
            for name, value in {**HERE, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
                patch.setenv(name, value)
            s3fs.S3FileSystem.clear_instance_cache()  # or it would ask an earlier store
            yield boto3.client("s3")
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        store.stop()


def keep_versions(client: Any, bucket: str, status: str = "Enabled") -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def measured_or_die(file: ImageFile, recipe: Recipe) -> Measured:
    """What is made of a photo, unless it ends in poison."""
    if Path(file.path).read_bytes().endswith(b"poison"):
        os.kill(os.getpid(), signal.SIGKILL)
    return hashed_and_sized(file, recipe)
