"""Files of Keras 1 and 2 in the words of Keras 3: closed tables, and weights in the layout of then."""
