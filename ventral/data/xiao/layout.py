"""Facts of the files of Xiao et al. 2024 (DANDI 000628): where things lie in them, and which monkeys are in them."""

CHANNELS_PER_BANK = 32
REGION_LATENCY_MS = {"V1": 40.0, "V2": 40.0, "V4": 50.0, "PIT": 65.0, "CIT": 80.0, "AIT": 100.0}
RASTERS = "processing/ecephys/rasters/data"
UNIT_NAMES = "processing/ecephys/unit_names/unit_name"
FIXATIONS = ("processing/behavior/fixations", "processing/fixation_detection/fixations")  # newer files, older files
PRESENTATIONS = "intervals/presentations"
SHOWN = "stimulus/presentation/presentations/data"
TEMPLATES = "stimulus/templates/stimuli"

# Monkeys for whom all stimuli were labelled for faces; the last three are simulated.
ANNOTATED = ("Pa", "Bo", "Re", "Sa", "Sb", "Sc")
