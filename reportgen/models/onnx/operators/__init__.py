"""The Keras implementation of each ONNX operator: one module for each family, registered by a decorator."""
