"""Explicit matrices with exact entries, taken apart step by step."""
