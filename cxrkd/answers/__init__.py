"""One film -> what the networks answer, and why: the only route from bytes to an answer."""
