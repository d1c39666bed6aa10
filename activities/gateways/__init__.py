"""The two vendors behind the ports, through their own client libraries."""
