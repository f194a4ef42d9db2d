"""Whether a find can be done on a cluster: what it needs, and what it can't do there."""

from importlib.util import find_spec

from actions.next_command import install_extras
from config import UserError
from extras.cluster.access_points import check_bucket

PACKAGES = {"distributed": "dask[distributed]", "pyarrow": "pyarrow", "fsspec": "fsspec"}
REFUSED = {
    "--preset crops": "it compares each part of each photo with each photo, some 70 times the work",
    "--threshold": "it is not compared there yet",
}
REMEDY = "use --preset copies, similar or most, or --method embeddings or both"


def check(flags: str, work: str) -> None:
    """Raise UserError where a package is missing, for what these flags ask for, or for a --work."""
    for module, package in PACKAGES.items():
        if find_spec(module) is None:
            remedy = install_extras("cluster")
            raise UserError(f"--engine dask needs the package {package}; {remedy} first.")
    for refused, why in REFUSED.items():
        if refused in flags:
            raise UserError(f"--engine dask can't do {flags}: {why}; {REMEDY}.")
    check_bucket("--work", work)
