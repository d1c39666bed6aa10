"""What every page is served with: templates, style and script, and what is said when it cannot be shown."""
