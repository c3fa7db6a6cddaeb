"""How each ONNX operator becomes Keras: one file a family, entered into the table by a decorator."""
