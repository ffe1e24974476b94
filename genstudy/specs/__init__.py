"""The campaign's folder: batches, specs, the stand-alone pgen and the manifest."""
