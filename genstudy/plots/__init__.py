"""Pictures of a design and of what came of it, drawn as PNG or SVG."""
