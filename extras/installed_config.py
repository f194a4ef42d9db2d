"""The settings of an installed program whose user has no config.py: all are as shipped."""
