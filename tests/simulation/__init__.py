"""Run the production services on doubles under a virtual clock, with faults.

The laws are checked after each commit and at the end. ``python -m tests.simulation`` runs it; ``docs/proof.md``
says what that proves and what it cannot.
"""
