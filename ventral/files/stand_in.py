"""What a server may have sent in place of a binary file."""

import re
from pathlib import Path


def stand_in(path: Path) -> str:
    """What stands in place of a binary file, judged by its first bytes; empty if it looks like a binary file.

    Servers may answer with a web page, such as a log-in, a used-up quota or a virus warning, with a status of success.
    """
    with open(path, "rb") as file:
        start = file.read(1024)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = start.decode("utf-16", errors="replace")
    else:
        text = start.decode("utf-8-sig", errors="replace")
    text = text.lstrip().lower()
    if text.startswith("version https://git-lfs"):
        return "a Git LFS pointer"
    if re.match(r"<(!doctype|!--|html|head|body|script|meta|title|form|\?xml)", text):
        return "a web page"
    if re.match(r"[{\[]\s*[\"}\]{]", text):
        return "a message in JSON"
    return "" if text else "an empty file"
