"""Sign-in of staff by OpenID Connect: the provider is asked, its tokens are looked at, and a browser is bound to what
it began."""
