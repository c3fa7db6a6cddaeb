"""The explorer: change the recipe and watch a unit change.

What a person asks (`asked`), whose turn it is (`turns`), who renders (`service`, `worker`), where results go
(`ledger`), and all of it together (`jobs`) are plain Python over a store; they know neither Dash nor a
browser. Framework code runs in the worker's process alone.
"""
