"""The one place where everything is wired: ``shop`` for the processes, ``books`` for commands that need no provider.

They are apart so that looking into the log loads neither the providers' SDKs nor their settings.
"""
