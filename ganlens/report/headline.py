"""What a probe found, in half a line: the same words on the page and in the terminal."""

from collections.abc import Mapping
from string import Formatter
from typing import Any

from ganlens.panels import cell
from ganlens.report.findings import Finding, strict

# Templates over a summary; one that names an undefined value is left out.
HEADLINES: dict[str, tuple[str, ...]] = {
    "interpolate": (
        "the longest step is {max_over_mean_step} times the mean one",
        "{longest_step_over_unrelated} of the way to an unrelated sample",
    ),
    "arithmetic": (
        "({a}) - ({b}) + ({c})",
        "{success_rate_of_9:.0%} of the nine pictures show the result",
        "of random samples {base_rate_of_random_samples:.0%}",
    ),
    "arithmetic-score": (
        "means of three succeed in {success_3:.0%} of draws",
        "single exemplars in {success_1:.0%}",
        "random samples in {success_random:.0%}",
    ),
    "turn": (
        "{attribute} follows with a rank correlation of {spearman_mean:.3f}",
        "{slope_mean:.3g} per unit of the vector",
        "random vectors {spearman_random_vectors:.2f}",
    ),
    "directions": (
        "{best_boundary}: AUC {best_boundary_auc}",
        "moved by {distance} sigma, {best_boundary_turned_on:.0%} of the samples without it "
        "have it",
        "{duplicates} of {n_directions} directions repeat an earlier one",
    ),
    "filters": ("{filters} filters in {first_layer_of_discriminator}",),
    "activations": ("{dead_units_total} of {units_total} units are dead",),
    "top-images": (
        "unit {best_unit} of {layer} tells {best_label} with AUC {best_auc_trained:.2f}",
        "best untrained {best_auc_untrained:.2f}",
        "medians {median_auc_trained:.2f} and {median_auc_untrained:.2f}",
    ),
    "guided-backprop": (
        "gradients of trained units are more concentrated than untrained ones in "
        "{auc_trained_above_untrained:.0%} of pairs",
        "{concentration_trained:.2f} against {concentration_untrained:.2f}",
    ),
    "maximize": (
        "{above_every_real_image} of {n_units} units driven beyond all of {n_real} real images",
        "median score {score_median:.2g} (1: highest real image)",
        "noise {score_noise_median:.2g}",
    ),
    "health": (
        "it is the {is_itself_the_reference} reference itself",
        "{verdict}",
        "{signs_like_the_collapsed_one} of {signs_that_settle} signs like the collapsed one",
        "effective rank {effective_rank:.0f} of {most_rank}",
        "samples' distance {samples_distance:.3g}, real images' {real_distance:.3g}",
    ),
    "artifacts": (
        "{layer_said} draws a checkerboard",
        "of period {period} and {checkerboard_grey_levels:.2f} grey levels of 255",
        "highest excess over real images {highest_over_real_db:.1f} dB",
        "N {n_generated}",
    ),
    "forget": (
        "{concept}: it {verb} in {turned:.0%} of held-out samples",
        "random maps {turned_random_maps:.0%}",
        "other attributes change in {others_changed_mean:.0%}",
        "unit AUC {unit_auc_held_out}",
    ),
    "dissect": (
        "{units_that_agree:.0%} of {units} units agree with an attribute",
        "untrained {units_that_agree_untrained:.0%}",
        "unit {best_unit} with {best_concept}: AUC {best_auc}",
    ),
    "fid": (
        "{metric} {value}",
        "{interval_level:.0%} interval {interval[0]} to {interval[1]}",
        "real against real {floor} (N {floor_n})",
        "coverage {coverage}",
        "N {n_fake}",
    ),
    "neighbors": (
        "nearer to a train image than all but {pixels[expected_share]:.1%} of held-out images: "
        "{too_near_in_pixels:.1%} of samples in pixels",
        "{too_near_in_discriminator:.1%} in features",
        "N {n_generated}",
    ),
    "invert": (
        "median residual {median_mse_held_out} held-out",
        "{median_mse_train} train",
        "{median_mse_generated} generated",
        "AUC {auc_train_smaller}",
    ),
    "linear-probe": (
        "accuracy {accuracy}",
        "untrained {accuracy_untrained}",
        "pixels {accuracy_pixels}",
        "guessing {accuracy_majority}",
    ),
}
NUMBERS = 3  # shown of a probe that has no templates


class _Undefined(Exception):
    """A template names a value that is not there."""


class _Cells(Formatter):
    """Formats values as tables do, unless the template has a format of its own."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        try:
            value, key = super().get_field(field_name, args, kwargs)
        except (KeyError, TypeError) as error:
            raise _Undefined from error
        if value is None:
            raise _Undefined
        return value, key

    def format_field(self, value: Any, format_spec: str) -> str:
        return format(value, format_spec) if format_spec else cell(value)


def headline(finding: Finding) -> str:
    """Say in half a line what a probe found, or why it was left out; the report has the rest."""
    if finding.result is None:
        return f"left out: {finding.reason}"
    summary = strict(finding.result.summary())
    templates = HEADLINES.get(finding.name) or _numbers(summary, finding.probe.settings())
    return ", ".join(piece for t in templates if (piece := fill(t, summary)))


def fill(template: str, summary: Mapping[str, Any]) -> str:
    """Fill a template from a summary; empty where it names a value that is undefined or absent."""
    try:
        return _Cells().vformat(template, (), summary)
    except _Undefined:
        return ""


def _numbers(summary: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Templates of the first numbers that are neither settings nor counts ("n_...")."""
    found = [
        f"{key.replace('_', ' ')} {{{key}}}"
        for key, value in summary.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
        if key not in settings and "n" not in key.split("_")
    ]
    return found[:NUMBERS]
