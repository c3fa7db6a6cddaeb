"""What a network answers when some of its units give their mean instead.

Which units are worth the question, and what the answers mean, is known elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from reportgen.models import Model

Decisions = list[NDArray[Any]]


class Silencer:
    """A network some of whose units can be made to give their mean.

    Args:
        model: The network.
        means: By layer, `(K,)`: what a silenced unit gives at every place, after its activation.
        batch: Pictures run at once.
    """

    def __init__(self, model: Model, means: Mapping[str, NDArray[Any]], batch: int) -> None:
        from reportgen.models.cut import replaceable_network

        self._names, self._batch = sorted(means), batch
        self._network = replaceable_network(model, self._names)
        self._fills = [self._rows(np.nan_to_num(np.asarray(means[name], np.float32))) for name in self._names]
        self._none = {name: self._mask(name, ()) for name in self._names}

    def decisions(self, pictures: NDArray[np.uint8], silenced: Mapping[str, Sequence[int]]) -> Decisions:
        """Return what each output of the network decides about pictures while units are silenced.

        Args:
            pictures: `(n, h, w, c)` uint8 of the model's own input size.
            silenced: Units by layer; none for the network as it is.

        Returns:
            For each output `(n, places)`, see `decided`.
        """
        masks = [
            self._mask(name, silenced[name]) if name in silenced else self._none[name] for name in self._names
        ]
        parts: list[Decisions] = []
        for start in range(0, len(pictures), self._batch):
            some = pictures[start : start + self._batch]
            full = np.full((self._batch, *some.shape[1:]), 0.5, np.float32)
            full[: len(some)] = some.astype(np.float32) / np.float32(255)
            answer = self._network.predict_on_batch([full, *masks, *self._fills])
            outputs = answer if isinstance(answer, (list, tuple)) else [answer]
            parts.append([decided(np.asarray(output)[: len(some)]) for output in outputs])
        return [np.concatenate(found) for found in zip(*parts, strict=True)]

    def _mask(self, name: str, units: Sequence[int]) -> NDArray[np.float32]:
        found = np.zeros(self._fills[self._names.index(name)].shape[1], np.float32)
        found[list(units)] = 1
        return self._rows(found)

    def _rows(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.broadcast_to(values, (self._batch, len(values)))


def decided(output: NDArray[Any]) -> NDArray[Any]:
    """Return what an output decides, so that two answers can be compared.

    Args:
        output: `(n, K)`, or with places between.

    Returns:
        `(n, places)` int32, the unit with the largest answer at each place. Where K is 1, of a map whether
        each place lies above its picture's mean, and of a single number the number itself, `(n, 1)` float32.
    """
    values = output.reshape(len(output), -1, output.shape[-1]).astype(np.float32)
    if values.shape[2] > 1:
        return np.asarray(values.argmax(axis=2), np.int32)
    if values.shape[1] > 1:
        return np.asarray(values[:, :, 0] > values.mean(axis=1), np.int32)
    return np.asarray(values[:, :, 0])
