"""The channels: one package a platform, plugged into `bridge` by entry points."""
