"""Sensitivity of results to parameters: indices of campaigns with a design made for them."""
