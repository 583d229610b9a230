"""Run the production services on doubles under a virtual clock, with faults.

Every law is checked after each commit and at the end. ``python -m tests.simulation`` runs it; ``docs/proof.md``
says what that proves and what it cannot.
"""
