"""Every check, on data that it must accept, and on data that it must refuse in exact words."""
