"""Addresses on the web, which some keys of the config take in place of a path."""

import re
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_address(text: object) -> bool:
    """Whether a value of the config is an address, not a path."""
    return str(text).startswith(("https://", "http://"))


def address_fault(address: str) -> str:
    """What is wrong with an address, as ``problem; remedy``; empty if nothing."""
    if address.startswith("http://") and urlsplit(address).hostname not in LOOPBACK:
        return f"{address} could be changed on its way; give an https address"
    return ""


def as_file_name(text: str) -> str:
    """A part of an address as the name of a file, with `_` for all but letters, digits, `_`, `.` and `-`."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)
