"""Designs: points in the unit cube, one column a parameter."""
