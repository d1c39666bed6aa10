"""What every page is served with: templates, the style sheet and the script, and what is said when it cannot be shown."""
