"""The composition root.

``container`` wires the use cases from ``ports``; ``adapters`` makes production's ports of the settings. ``database`` is
for commands that need no provider, so that a look into the log loads neither the providers' SDKs nor their settings.
"""
