"""The naive scorer: structure-tensor coherence, a contrast threshold, weight cosine for copies.

What anyone would try first, and what planted networks must be too hard for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from skimage.feature import structure_tensor, structure_tensor_eigenvalues

COHERENT, CONTRAST, COSINE = 0.45, 0.035, 0.99


def coherence(picture: np.ndarray) -> float:
    """Return how far gradients of a picture `(h, w, c)` in 0..255 share a direction, 0..1."""
    grey = picture.astype(float).mean(axis=2) / 255
    large, small = structure_tensor_eigenvalues(structure_tensor(grey, sigma=2, order="rc"))
    total = (large + small).sum()
    return float((large - small).sum() / total) if total > 0 else 0.0


def naive_verdict(pictures: Sequence[np.ndarray], coherent: float = COHERENT) -> str:
    """Return flat, static or structured, by the pictures of one unit."""
    contrast = np.median([(p / 255).std(axis=(0, 1)).mean() for p in pictures])
    if contrast < CONTRAST:
        return "flat"
    return "structured" if np.mean([coherence(p) for p in pictures]) >= coherent else "static"


def naive_copies(kernel: np.ndarray) -> Mapping[int, int]:
    """Return copies by cosine of incoming weights `(..., K)`: a unit and the lowest one like it."""
    flat = kernel.reshape(-1, kernel.shape[-1]).astype(float)
    size = np.linalg.norm(flat, axis=0)
    cosines = (flat / np.where(size > 0, size, 1)).T @ (flat / np.where(size > 0, size, 1))
    found = {}
    for k in range(kernel.shape[-1]):
        like = np.flatnonzero(cosines[k, :k] >= COSINE)
        if len(like):
            found[k] = int(like[0])
    return found
