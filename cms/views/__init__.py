"""The public site's doors: pages, contact, errors, and the small files crawlers and browsers ask for."""
