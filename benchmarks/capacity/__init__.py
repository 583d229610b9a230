"""Where the shop's throughput ends, with several APIs and workers."""
