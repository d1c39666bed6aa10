"""Google Calendar and Outlook (Microsoft Graph), as far as busy times are read from them: consent, tokens, events."""
