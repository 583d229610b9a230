"""Benchmarks, as ratios to a bare INSERT.

The INSERT runs on the same server in the same run.
"""
