"""The shop's pages in a real browser; `make test-browser`."""
