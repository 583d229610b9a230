"""Tests of the domain, by example and by property."""
