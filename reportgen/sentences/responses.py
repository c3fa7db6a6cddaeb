"""What is said of a unit's responses: whether it activates, to what, and like which units."""

from __future__ import annotations

import math

from reportgen.judgement import Light, Natural, Responsiveness, Shortfall, Trust
from reportgen.units import UnitScore
from reportgen.verdicts import verdict_of

ROBUST = 0.5
"""Least share of what a picture gained that stays under fresh transforms, for it to be called robust."""

NATURAL_AGREES = 0.75
"""Least agreement of synthetic and natural examples; one half is chance."""

_NUANCES = {"": "", "silent": "silent but excitable", "faint": "faint"}
_ON = {"all": "", "probes": "on the probe pictures alone", "renders": "on the renders alone",
       "white": "on white noise"}  # fmt: skip


def activation_in_words(found: Responsiveness) -> str:
    """Return what activations were seen of a unit, with numbers."""
    if found.missing == "finite":
        return "its responses are not finite numbers"
    if found.missing == "responses":
        nothing = "no responses were measured, so it is not known whether it ever activates"
        assumed = f"; bounds over {_assumed(found)} prove nothing"
        return nothing + (assumed if found.bound is not None else "")
    asked = _asked(found)
    if found.missing:
        missing = "probe pictures" if found.missing == "probes" else "the layer's renders"
        return f"silent on {asked}; its responses to {missing} were not measured"
    if found.state == "live":
        known = found.low is not None and found.high is not None
        return f"activation range {found.low:.3g} to {found.high:.3g}" if known else "active"
    if not asked:
        return "not measured"
    value = (
        "activation zero"
        if found.state == "dead" or found.high is None
        else f"activation always {found.high:.3g}"
    )
    return f"{value} on {asked}{_where(found)}"


def liveliness_in_words(found: Responsiveness) -> str:
    """Return in a few words how a unit activates, or what is known of one that does not; empty for most."""
    if found.state == "live":
        return _NUANCES[found.nuance]
    if found.state == "dead":
        return "proved" if found.proof == "bounds" else f"no input found{_where(found)}"
    if found.state == "constant":
        return "constant, proved" if found.proof == "bounds" else f"constant{_where(found)}"
    return ""


def proof_in_words(found: Responsiveness) -> str:
    """Return what proves a unit dead or constant, or its outgoing weights zero; else empty."""
    if found.proof == "bounds":
        value = "one value" if found.bound is None else f"{found.bound:.3g}"
        return f"interval bounds: {value} for every possible input"
    return "no outgoing weight" if found.proof else ""


def superfluous_in_words(found: Responsiveness, *, copy_of: int | None) -> str:
    """Return in one line why a unit is superfluous for certain.

    Args:
        found: Whether it activates.
        copy_of: The unit whose very weights it has.
    """
    said = [f"{liveliness_in_words(found)}: {proof_in_words(found)}"] if found.proof == "bounds" else []
    if copy_of is not None:
        said.append(f"same weights as unit {copy_of}, up to a factor; that unit stays")
    if found.unused:
        said.append("all its outgoing weights are zero")
    return "; ".join(said)


def _asked(found: Responsiveness) -> str:
    counts = ((found.n_probes, "probe pictures"), (found.n_renders, "renders of its layer"))
    return " and ".join(f"{n} {what}" for n, what in counts if n)


def _assumed(found: Responsiveness) -> str:
    return f"the assumed input range {found.assumed_range}"


def _where(found: Responsiveness) -> str:
    return f" in {_assumed(found)}" if found.assumed_range and found.proof != "bounds" else ""


def light_in_words(light: Light) -> str:
    """Return how a unit responds to uniform inputs; empty where it does not, or nothing is known."""
    if light.earlier_text:
        return light.earlier_text
    said = []
    if light.brightness and light.black is not None and light.white is not None:
        ends = f"from {light.black:.3g} on black to {light.white:.3g} on white"
        said.append(f"activation {light.brightness} with brightness, {ends}")
    if light.colour and light.colour_activation is not None:
        said.append(f"of uniform colours, {light.colour} activates it most ({light.colour_activation:.3g})")
    return "; ".join(said)


def correlation_in_words(correlation: float) -> str:
    """Return a correlation to three digits: cut, not rounded, so that none below .99 reads as that."""
    return f"{math.floor(1000 * correlation + 1e-6) / 1000:.3f}"


def shortfall_in_words(short: Shortfall | None) -> str:
    """Return on what two units do not agree as copies do; empty where they do."""
    if short is None or short.earlier_text or short.correlation is None or short.needed is None:
        return short.earlier_text if short is not None else ""
    if short.on == "all":
        return f"a copy needs r ≥ {short.needed:.3g}"
    return (
        f"{_ON[short.on]} r = {correlation_in_words(short.correlation)}; a copy needs r ≥ {short.needed:.3g}"
    )


def trust_of(score: UnitScore) -> str:
    """Return what the checks say of a unit whose pictures are evidence; else nothing."""
    return trust_in_words(score.trust, score.natural) if verdict_of(score.verdict).informative else ""


def trust_in_words(trust: Trust, natural: Natural | None) -> str:
    """Return what the checks say of one unit, in a few words each; empty where nothing was checked."""
    said = []
    if trust.recipes_pass is not None:
        said.append("recipes agree" if trust.recipes_pass else "recipes disagree")
    if trust.robust_share is not None:
        said.append("robust" if trust.robust_share >= ROBUST else "fragile under transforms")
    if natural is not None and natural.silent:
        said.append("silent on all natural pictures")
    elif trust.beyond_natural is not None:
        said.append(f"{trust.beyond_natural:.2g} times its strongest natural picture")
    if trust.natural_agreement is not None:
        agree = trust.natural_agreement >= NATURAL_AGREES
        said.append(f"synthetic and natural examples {'agree' if agree else 'disagree'}")
    return ", ".join(said)
