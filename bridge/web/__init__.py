"""The bridge's HTTP server: health, and the doors through which platforms come in."""
