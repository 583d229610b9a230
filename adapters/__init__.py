"""One translation per port: adapters translate, they never decide."""
