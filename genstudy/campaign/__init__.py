"""Campaigns run: the ledger, the studies one batch after the other, and what is saved of them."""
