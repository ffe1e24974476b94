"""The reference, made of what the code says of itself: `python -m docs.generator` writes docs/reference."""
