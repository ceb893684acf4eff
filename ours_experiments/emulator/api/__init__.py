"""HTTP to account and back: routes, bodies, pages."""
