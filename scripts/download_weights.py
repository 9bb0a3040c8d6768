"""Download published weights or weights at an address, and check them by the hash of the publisher or of the user."""

import hashlib
import sys

from ventral.files.console import logged
from ventral.files.fetch import fetch, fetch_text
from ventral.networks.published import address_of
from ventral.networks.state_files import not_weights

with logged(snakemake.log[0]):
    file, params = snakemake.output.file, snakemake.params
    source = address_of(params.architecture, params.weights, params.sha256, fetch_text)
    fetch(source.urls, file, digest=source.digest, size=source.size, refuse=not_weights)
    if source.digest is None:
        with open(file, "rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        print(f"{source.urls[0]}: not checked; to pin these weights, set sha256: {found}", file=sys.stderr)
