"""What builds, checks and tests Verso. Nothing here runs in production."""
