"""What every store keeps, on each engine."""

import pytest

from bridge.testing.store_contract import StoreContract
from bridge.testing.store_examples import Stores
from tests.store.conftest import stores_at


class TestSqlStore(StoreContract):
    @pytest.fixture
    def stores(self, url: str) -> Stores:
        return stores_at(url)
