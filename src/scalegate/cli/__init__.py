"""The command line. No logic of its own: each command calls the library and shows what it says."""
