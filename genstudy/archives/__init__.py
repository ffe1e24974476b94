"""Studies saved: archived or moved, read back, and cleared once that is proven."""
