"""Keras files: read, checked and followed call by call, whatever wrote them in Keras 3 or after 2.12."""
