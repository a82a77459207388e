"""The probes by the names that the command line, the report and the explorer know them by."""

from ganlens.probes.table import ProbeTable

PROBES = ProbeTable(
    {
        "interpolate": "latent.probe:Interpolation",
        "arithmetic": "arithmetic.probe:Arithmetic",
        "arithmetic-score": "arithmetic.score:ArithmeticScore",
        "turn": "turn.probe:Turn",
        "directions": "directions.probe:Directions",
        "codes": "codes.probe:Codes",
        "filters": "filters.probe:Filters",
        "activations": "feature_maps.probe:Activations",
        "top-images": "units.top:TopImages",
        "guided-backprop": "units.guided:GuidedBackprop",
        "maximize": "maximize.probe:Maximize",
        "health": "health.probe:Health",
        "artifacts": "artifacts.probe:Artifacts",
        "forget": "forgetting.probe:Forget",
        "dissect": "dissection.probe:Dissect",
        "fid": "fidelity.probe:Fidelity",
        "conditions": "conditions.probe:Conditions",
        "neighbors": "memorization.probe:Neighbors",
        "linear-probe": "linear.probe:LinearProbe",
        "invert": "inversion.probe:Inversion",
        "useful": "useful.probe:Useful",
    }
)
