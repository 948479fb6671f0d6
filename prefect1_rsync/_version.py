"""The version, in one place: read by `setup.py`, the package's face and the User-Agent."""

__version__ = "0.1.0"
