"""The whole shop under a virtual clock: production services on doubles, seeded faults, and the laws after each step.

``python -m tests.simulation`` runs it; ``docs/proof.md`` says what that proves and what it cannot.
"""
