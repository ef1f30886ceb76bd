"""`make bench`: what pages and writes cost, as ratios to a floor measured in the same run."""
