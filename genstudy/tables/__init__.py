"""Tables: made from a design, written, read, checked."""
