"""A zoo of small networks in the forms people save them, judged against the framework that wrote each.

`keras_classic`, `keras_parts` and `keras_tasks` build with whichever Keras they are given, `torch_nets` and
`torch_tasks` with torch; `forms` lists which family is kept in which form and why not in others; `make`
writes the files inside each framework's own environment; `judge` reads one and says how it differs from
its source.
"""
