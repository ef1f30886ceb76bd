"""The demo's content and how it comes into being: through the same verbs everybody uses."""
