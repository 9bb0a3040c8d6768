"""Which models of vision predict the neurons of the ventral stream, and how far is each from the noise ceiling?

Recordings -> responses; images x network -> Gram matrices; the two meet in encoders and similarity; both end in
tables and figures. The stages, in order:

  sources, xiao         raw files -> images/{dataset}.h5, responses/{dataset}.nc
  faces                 images with labelled faces -> networks that were trained to detect faces
  networks              images -> activations/{dataset}/{network}.h5
  encoders              responses + activations -> predictions/{dataset}/{network}-{readout}.nc
  training              responses + images -> predictions/{dataset}/{name}-{head}.nc
  similarity            responses + activations -> similarity/{dataset}.h5
  report, figures       -> tables/*.csv, figures/*.png and .svg
  page                  -> report.html
"""

from snakemake.utils import min_version

min_version("9.20")

if "datasets" not in config:  # a study given by --configfile takes the place of the default one

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/study.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/majaj.smk"
include: "workflow/rules/kriegeskorte92.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/xiao.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/faces.smk"
include: "workflow/rules/weights.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/encoders.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/similarity.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/page.smk"


localrules:
    all,
    download_majaj,
    fetch_kriegeskorte92,


report: "workflow/report/workflow.rst"


rule all:
    """Every table and figure of the study, and the page that holds them."""
    default_target: True
    input:
        TABLES,
        FIGURES,
        paths.REPORT,
