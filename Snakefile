"""Which models of vision predict the neurons of the ventral stream, and how far is each from the noise ceiling?

The study reads responses from recordings, and makes Gram matrices from images and networks. Encoders and similarities
combine both. Tables, figures and the report show the results. The stages, in order:

  sources, xiao         raw files -> images/{dataset}.h5, responses/{dataset}.nc
  faces                 images with labelled faces -> networks that are trained to detect faces
  networks              images -> activations/{dataset}/{network}.h5
  encoders              responses + activations -> predictions/{dataset}/{network}-{readout}.nc
  training              responses + images -> predictions/{dataset}/{name}-{head}.nc
  similarity            responses + activations -> similarity/{dataset}.h5
  report, figures       -> tables/*.csv, figures/*.png and .svg
  page                  -> report.html
"""

from snakemake.utils import min_version

min_version("9.20")

if "datasets" not in config:  # a study that --configfile names replaces the default one

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
    download_recordings,
    fetch_kriegeskorte92,


report: "workflow/report/workflow.rst"


rule all:
    """Make every table and figure of the study, and the report."""
    default_target: True
    input:
        TABLES,
        FIGURES,
        paths.REPORT,
