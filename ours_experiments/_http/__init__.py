"""One call on the wire: urls, key, retries, deadlines, limits, transport, session."""
