"""Personal data: erasure, export, and retention of photos and uploads."""
