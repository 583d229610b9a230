"""The protocols that adapters implement, with the errors that methods may raise."""
