"""Whether a find can be done on a cluster: what it needs, and what it can't do there."""

from importlib.util import find_spec

from actions.next_command import install_extras
from config import UserError
from disk.files import is_url
from extras.cluster.access_points import S3_PROTOCOLS, check_bucket
from pictures.by_name import named

PACKAGES = {
    "dask": "dask[distributed]",
    "distributed": "dask[distributed]",
    "pyarrow": "pyarrow",
    "fsspec": "fsspec",
}
REFUSED = {
    "--preset crops": "it compares each part of each photo with each photo, some 70 times the work",
    "--threshold": "it is not compared there yet",
}
REMEDY = "use --preset copies, similar or most, or --method embeddings or both"


def check(flags: str, work: str) -> None:
    """Raise UserError where a package is missing, for what these flags ask for, or for a --work."""
    check_packages("--engine dask")
    for refused, why in REFUSED.items():
        if refused in flags:
            raise UserError(f"--engine dask can't do {flags}: {why}; {REMEDY}.")
    check_url("--work", work)


def check_packages(what: str) -> None:
    """Raise UserError where a package is missing that is needed for tasks, by whatever asks."""
    for module, package in PACKAGES.items():
        if find_spec(module) is None:
            raise lacks(what, package)


def check_url(what: str, url: str) -> None:
    """Raise UserError for a URL that is refused, or for which a package is missing."""
    check_bucket(what, url)
    protocol = url.partition("://")[0].lower()
    if protocol in S3_PROTOCOLS and find_spec("s3fs") is None:
        raise lacks(f"{what} {url}", "s3fs")
    if is_url(url):
        try:
            named("fsspec:get_filesystem_class")(protocol)
        except ImportError as error:
            raise UserError(f"{what} {url} can't be used: {error}; install that first.") from error
        except ValueError:
            return  # an unknown protocol is said where it is asked first


def lacks(what: str, package: str) -> UserError:
    return UserError(f"{what} needs the package {package}; {install_extras('cluster')} first.")
