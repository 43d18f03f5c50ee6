"""The only `st.cache_*` calls. Keys are file paths with their times, config text and content hashes, never models.

What is computed from an upload is kept per session and leaves with it. Models, engines and predictions are shared by
all visitors; all of them are only ever read. What needs networks is imported where one is asked for: a page that shows
figures does not wait for them.
"""
