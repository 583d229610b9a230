"""The application layer: what the shop does, in folders by subject."""
