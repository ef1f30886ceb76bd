"""Who plays in the stories. Fixtures for a tenant and the people; factories live in tests/factories/."""
