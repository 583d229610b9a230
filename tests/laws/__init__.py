"""Laws that are worked out from the log alone, apart from the model that they are held against."""
