"""Networks of this room's tests run uncompiled: to compile each would take longer than all they do."""

import keras
import pytest


@pytest.fixture(scope="module")
def uncompiled():
    """Let Keras call networks without compiling them."""
    if keras.config.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(before)
