"""Appointments as calendar files (RFC 5545 and 5546): for mails, for one download, and for a subscribed feed;
and the days on which a country has holidays."""
