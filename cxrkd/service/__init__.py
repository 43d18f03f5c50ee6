"""Answers over HTTP, for programs that integrate them: what `classify --json` says, one film a request."""
