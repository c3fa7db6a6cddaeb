"""What is said of units and layers, in sentences: written here, from data, and nowhere read back.

Knows what scoring found, as plain values, and no store, picture or page. To say it all in another language,
this room is what must be written again.
"""
