"""Who may do what on a page, within which bounds, on which folders; and a record of who made what."""
