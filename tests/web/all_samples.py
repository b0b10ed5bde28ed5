"""The sample values of every page, by name."""

from tests.web import contract_samples, page_samples

PAGES = {**page_samples.PAGES, **contract_samples.PAGES}
