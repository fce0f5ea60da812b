"""The functions of the language, one file each; every record in this folder is registered."""
