"""The examination of an installation: what to mend, and how."""
