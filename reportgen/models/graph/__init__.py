"""A network as a flat graph: its nodes, the layers with units among them, and what can be cut out of it."""
