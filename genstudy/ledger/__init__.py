"""What happened to a campaign, recorded for good by one owner at a time, and what it adds up to."""
