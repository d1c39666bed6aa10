"""Programs outside, as tests play them."""
