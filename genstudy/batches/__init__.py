"""The batches of a campaign: their rows, and their files wherever these are."""
