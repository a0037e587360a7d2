"""How far the recogniser's words can be trusted."""
