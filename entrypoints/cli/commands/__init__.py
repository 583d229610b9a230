"""The commands, in one module a group."""
