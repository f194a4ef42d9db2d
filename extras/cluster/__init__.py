"""The find on many machines, by Dask: independent tasks, and files as their results."""
