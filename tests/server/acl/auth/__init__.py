"""Tests of the auth methods."""
