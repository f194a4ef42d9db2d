"""The settings of an installed program whose user has no config.py; the rest is as in ours."""

INPUT_DIR = "../tests/samples"
