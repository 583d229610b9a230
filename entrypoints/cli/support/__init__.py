"""What the commands of support staff are made of."""
