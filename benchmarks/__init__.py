"""How fast the shop is, told as ratios to a bare INSERT on the same server in the same run."""
