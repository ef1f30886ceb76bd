"""Pages of coming in, one module for each thing people do."""
