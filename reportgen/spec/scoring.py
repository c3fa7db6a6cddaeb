"""Thresholds of the verdicts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScoreSpec:
    """Thresholds of the verdicts; docs/method.md explains them and their sources.

    Attributes:
        crop: Share of the picture left out on each side before it is scored.
        flat_contrast: Inner RMS contrast below which a picture is flat, in [0,1] units.
        dead_share: Largest response, as a share of the layer's median, at which a unit is dead.
        constant_share: Largest range of responses, as a share of the layer's median, of a constant unit.
        structure_z: Null deviations of structure at which a picture is structured.
        structure_slope: Width of the logistic that turns z into P(structured).
        borderline_z: Lower and upper end of the borderline band.
        unstable_share: Mean share of other units' pictures nearer than a unit's own seeds, above which it is
            unstable.
        unstable_distance: Smallest texture distance between seeds of an unstable unit.
        duplicate_correlation: Response correlation from which a unit is a copy.
        min_comparison: Units that a layer needs for its own pictures to suffice for comparison.
        borderline_contrast: Band of contrast in which a unit that light explains is borderline.
        light_share: Share of a unit's range that uniform pictures must cover for light to explain it.
        unstable_gap: Texture distance between kinds of its pictures beyond which it is unstable in any case.

    Example:
        >>> import reportgen
        >>> reportgen.ScoreSpec(structure_z=2.5).borderline_z
        (1.7, 3.0)
    """

    crop: float = 0.10
    flat_contrast: float = 0.035
    dead_share: float = 1e-6
    constant_share: float = 1e-4
    structure_z: float = 2.4
    structure_slope: float = 0.35
    borderline_z: tuple[float, float] = (1.7, 3.0)
    unstable_share: float = 0.08
    unstable_distance: float = 0.15
    duplicate_correlation: float = 0.99
    min_comparison: int = 16
    borderline_contrast: tuple[float, float] = (0.025, 0.1)
    light_share: float = 0.8
    unstable_gap: float = 0.45
