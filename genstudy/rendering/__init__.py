"""Study templates: found, rendered and checked."""
