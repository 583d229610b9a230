"""Words for customers, in English and German, and for staff, in English."""
