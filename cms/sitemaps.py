"""The public pages a search engine may list."""

from django.contrib.sitemaps import Sitemap

PAGES = ("/", "/services/", "/book/", "/contact/", "/privacy/")


class PageSitemap(Sitemap):
    """The pages every tenant has."""

    changefreq = "weekly"

    def items(self) -> list[str]:
        return list(PAGES)

    def location(self, item: str) -> str:
        return item
