"""Rows that owe the simplest work there is; the tests of the background work run them."""
