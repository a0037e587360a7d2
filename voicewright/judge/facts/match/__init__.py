"""Whether a text states an expected fact: one module for each kind. A clear value of the kind decides."""
