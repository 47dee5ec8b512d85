"""What each verb must return: one file a family, which registers its functions in `checks`."""
