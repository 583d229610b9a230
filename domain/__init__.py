"""What the shop is: pure rules, no clock, no randomness, no I/O."""
