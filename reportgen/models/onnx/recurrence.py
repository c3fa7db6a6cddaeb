"""One direction of an LSTM, GRU or RNN with ONNX's gates, as a Keras layer over a fixed number of steps."""

from __future__ import annotations

from typing import Any

from reportgen.keras_types import KerasLayer, Nest, Tensor


def recurrent_layer(keras: Any) -> type[KerasLayer]:
    """Return the layer class."""
    ops = keras.ops
    functions = {
        "Sigmoid": ops.sigmoid, "Tanh": ops.tanh, "Relu": ops.relu, "Softsign": ops.softsign,
        "Softplus": ops.softplus,
    }  # fmt: skip

    class Recurrent(keras.layers.Layer):  # type: ignore[misc]
        """From (batch, steps, features) to all states (batch, steps, hidden), last state, last cell."""

        def __init__(
            self, cell: str, hidden: int, functions: list[str], backwards: bool, clip: float,
            reset_after: bool, coupled: bool, peephole: bool, **kwargs: object,
        ) -> None:  # fmt: skip
            super().__init__(**kwargs)
            self.cell, self.hidden, self.functions = cell, hidden, list(functions)
            self.backwards, self.clip, self.reset_after = backwards, clip, reset_after
            self.coupled, self.peephole = coupled, peephole

        def build(self, input_shape: Nest) -> None:
            n = {"LSTM": 4, "GRU": 3, "RNN": 1}[self.cell] * self.hidden
            shapes = {"w": (n, input_shape[-1]), "r": (n, self.hidden), "b": (2 * n,)}
            shapes["start"] = shapes["start_cell"] = (1, self.hidden)
            if self.peephole:
                shapes["p"] = (3 * self.hidden,)
            for name, shape in shapes.items():
                setattr(self, name, self.add_weight(shape=shape, initializer="zeros", name=name))

        def call(self, inputs: Tensor) -> Tensor:
            steps = range(int(inputs.shape[1]))
            over = ops.matmul(inputs, ops.transpose(self.w)) + self.b[: len_of(self.w)]
            zeros = ops.zeros_like(over[:, 0, : self.hidden])
            state, memory = zeros + self.start, zeros + self.start_cell
            found: list[Tensor] = []
            for t in reversed(steps) if self.backwards else steps:
                state, memory = getattr(self, "_" + self.cell.lower())(over[:, t], state, memory)
                found.append(state)
            found = found[::-1] if self.backwards else found
            return [ops.stack(found, axis=1), state, memory]

        def _apply(self, index: int, x: Tensor) -> Tensor:
            if self.clip:
                x = ops.clip(x, -self.clip, self.clip)
            return functions[self.functions[index]](x)

        def _rnn(self, x: Tensor, state: Tensor, memory: Tensor) -> Tensor:
            b = self.b[self.hidden :]
            return self._apply(0, x + ops.matmul(state, ops.transpose(self.r)) + b), memory

        def _gru(self, x: Tensor, state: Tensor, memory: Tensor) -> Tensor:
            h = self.hidden
            r, b = ops.transpose(self.r), self.b[3 * h :]
            z = self._apply(0, x[:, :h] + ops.matmul(state, r[:, :h]) + b[:h])
            reset = self._apply(0, x[:, h : 2 * h] + ops.matmul(state, r[:, h : 2 * h]) + b[h : 2 * h])
            if self.reset_after:
                back = reset * (ops.matmul(state, r[:, 2 * h :]) + b[2 * h :])
            else:
                back = ops.matmul(reset * state, r[:, 2 * h :]) + b[2 * h :]
            new = self._apply(1, x[:, 2 * h :] + back)
            return (1 - z) * new + z * state, memory

        def _lstm(self, x: Tensor, state: Tensor, memory: Tensor) -> Tensor:
            h = self.hidden
            gates = x + ops.matmul(state, ops.transpose(self.r)) + self.b[4 * h :]
            i, o, f, c = (gates[:, k * h : (k + 1) * h] for k in range(4))
            p = [self.p[k * h : (k + 1) * h] for k in range(3)] if self.peephole else [0.0] * 3
            i = self._apply(0, i + p[0] * memory)
            f = 1 - i if self.coupled else self._apply(0, f + p[2] * memory)
            memory = f * memory + i * self._apply(1, c)
            o = self._apply(0, o + p[1] * memory)
            return o * self._apply(2, memory) if not self.clip else o * functions[self.functions[2]](
                memory
            ), memory

        def compute_output_shape(self, input_shape: Nest) -> Nest:
            batch, steps, _ = input_shape
            return [(batch, steps, self.hidden), (batch, self.hidden), (batch, self.hidden)]

        def get_config(self) -> dict[str, Any]:
            own = {
                k: getattr(self, k)
                for k in (
                    "cell",
                    "hidden",
                    "functions",
                    "backwards",
                    "clip",
                    "reset_after",
                    "coupled",
                    "peephole",
                )
            }
            return {**super().get_config(), **own}

    def len_of(matrix: Tensor) -> int:
        return int(matrix.shape[0])

    Recurrent.__module__ = __name__
    return Recurrent
