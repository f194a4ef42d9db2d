"""Measure what it costs to fetch photos from an object store, beside hashing them.

    python tests/benchmarks/objects.py --photos PHOTOS --count 300

A store on this machine (moto, a process of its own) is given some photos of a folder.
Each is fetched as a task fetches it, and hashed from its file, turn by turn. What counts are the
CPU seconds of this process: not those of the store, nor the wait for one that is far away.
"""

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import boto3
from made_store import HERE

import finder
from disk.files import ImageFile
from extras.objects.hashing import fetcher
from extras.objects.stores import StoredObject, store_of
from pictures.hashing import hash_file
from pictures.recipe import Recipe

BUCKET, PORT = "photos", 5123


@contextlib.contextmanager
def store() -> Iterator[None]:
    """A store in a process of its own, which all that reads the environment uses."""
    os.environ.update(HERE, AWS_ENDPOINT_URL=f"http://127.0.0.1:{PORT}")
    command = [sys.executable, "-m", "moto.server", "-p", str(PORT)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 60
            while time.monotonic() < end:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT)):
                    break
                time.sleep(0.1)
            boto3.client("s3").create_bucket(Bucket=BUCKET)
            yield
        finally:
            process.kill()


def cpu(do: object, *given: object) -> float:
    """The CPU seconds of this process, all threads, in which something is done."""
    begin = time.process_time()
    do(*given)  # type: ignore[operator]
    return time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--photos", required=True, help="a folder with photos")
    parser.add_argument("--count", type=int, default=300)
    arguments = parser.parse_args()
    found = [one for one in finder.walk([arguments.photos]) if isinstance(one, ImageFile)]
    files = found[:: max(1, len(found) // arguments.count)][: arguments.count]
    with store(), tempfile.TemporaryDirectory() as folder:
        client = boto3.client("s3")
        for number, file in enumerate(files):
            name = f"{number:06}{Path(file.path).suffix}"
            client.put_object(Bucket=BUCKET, Key=name, Body=Path(file.path).read_bytes())
        objects = sorted(store_of(f"s3://{BUCKET}").objects(f"s3://{BUCKET}"), key=by_url)
        fetch, fetching, hashing = fetcher(folder), 0.0, 0.0
        for number, (file, one) in enumerate(zip(files, objects, strict=True)):
            fetching += cpu(fetch, (number, one))
            hashing += cpu(hash_file, file, Recipe())
    size = sum(file.size for file in files) / len(files)
    print(f"{len(files)} photos of {size / 1e3:,.0f} KB: fetching {fetching:.2f} s, ", end="")
    print(f"hashing {hashing:.2f} s of CPU: {fetching / hashing:.2f} times")


def by_url(one: StoredObject) -> str:
    return one.path


if __name__ == "__main__":
    main()
