"""Words: catalogs for customers (English, German), and texts for staff and evidence (English)."""
