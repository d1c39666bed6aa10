"""What a deployment is made of: one file of settings, containers, services, and the proxy that ends TLS."""
