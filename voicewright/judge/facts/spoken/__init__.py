"""How people say quantities and hours, by language: what number words alone do not tell."""
