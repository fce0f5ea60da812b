"""Structures of Hessians: a folder of records, discovered."""
