"""Commands on the database: the records, and the accounts of the web app."""
