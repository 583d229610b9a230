"""What the OpenAPI document says of each operation, by subject."""
