"""scalegate makes a Responsible Scaling Policy executable."""

from scalegate._version import __version__

__all__ = ["__version__"]
