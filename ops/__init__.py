"""Commands for whoever runs the product, beside the programs that run always."""
