from tests.api.edge.conftest import full_app

__all__ = ["full_app"]
