"""A telephone desk: what the example agents share. Ears, a mouth, a line, and a mind of their own."""
