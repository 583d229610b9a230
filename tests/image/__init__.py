"""The image, built by its own Dockerfile in a folder, and run."""
