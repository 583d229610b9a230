"""What the shop needs from the world: small protocols, named by need, each with the errors it may raise."""
