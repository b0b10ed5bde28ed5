"""HTTP: the API, the pages, the charts and who is asking. It decides nothing about usage."""
