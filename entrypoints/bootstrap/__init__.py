"""The composition root.

``container`` wires the use cases from ``ports``; ``adapters`` builds production's ports from the settings. ``database``
is for commands that need no provider: reading the log loads neither the providers' SDKs nor their settings.
"""
