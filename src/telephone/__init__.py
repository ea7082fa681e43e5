"""AI Telephone."""
