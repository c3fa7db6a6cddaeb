"""Which values a network takes for its picture: read from its first operations, weighed against evidence."""
