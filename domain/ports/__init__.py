"""Ports: the protocols that the domain needs implemented by adapters.

Each names the errors that its methods may raise.
"""
