"""The one place that holds the version: pyproject.toml and the library both read it here."""

__version__ = "0.1.0"
