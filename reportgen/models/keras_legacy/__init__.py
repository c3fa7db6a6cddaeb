"""Translates files of Keras 1 and 2 to Keras 3: closed tables, and weights in their old layout."""
