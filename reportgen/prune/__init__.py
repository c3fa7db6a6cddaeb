"""Removing units: which channels go together, in what order, how many, and the smaller network itself."""
