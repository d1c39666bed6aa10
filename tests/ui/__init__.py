"""The Temporal UI, as a support person sees it: driven in a browser, on a stack of real processes."""
