"""The real libraries and headers, fetched from Debian's packages into the cache."""
