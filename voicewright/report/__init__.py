"""What people read after a run: one HTML file that needs no server, and a Markdown summary for CI pages."""
