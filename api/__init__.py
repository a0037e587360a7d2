"""The web app: review form, run pages, defects, webhooks, metrics."""
