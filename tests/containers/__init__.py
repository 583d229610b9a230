"""The image and the compose file, by a Docker engine."""
